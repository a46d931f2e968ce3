import type { Value } from '../environment/env-file.ts'
import { productionWordIn } from './name-words.ts'

/** Variables that say which environment this is, of the frameworks and platforms in use (docs/production.md). */
const environmentKeys: readonly string[] = [
  'APP_ENV',
  'NODE_ENV',
  'RAILS_ENV',
  'RACK_ENV',
  'DJANGO_ENV',
  'FLASK_ENV',
  'SYMFONY_ENV',
  'MIX_ENV',
  'ASPNETCORE_ENVIRONMENT',
  'DEPLOY_ENV',
  'ENVIRONMENT',
  'ENV',
  'STAGE',
  'APP_ENVIRONMENT',
  'DOTNET_ENVIRONMENT',
  'DJANGO_SETTINGS_MODULE',
  'DJANGO_CONFIGURATION',
  'SPRING_PROFILES_ACTIVE',
  'NODE_CONFIG_ENV',
  'GO_ENV',
  'HANAMI_ENV',
  'CRAFT_ENVIRONMENT',
  'WP_ENV',
  'WP_ENVIRONMENT_TYPE',
  'SST_STAGE',
  'VERCEL_ENV',
  'VERCEL_TARGET_ENV',
  'CONTEXT',
  'RAILWAY_ENVIRONMENT_NAME',
  'RAILWAY_ENVIRONMENT',
  'RENDER_SERVICE_NAME',
  'HEROKU_APP_NAME',
  'FLY_APP_NAME',
  'PLATFORM_ENVIRONMENT_TYPE',
  'PANTHEON_ENVIRONMENT',
  'AH_SITE_ENVIRONMENT',
  'AZURE_FUNCTIONS_ENVIRONMENT',
  'WEBSITE_SLOT_NAME',
  'COPILOT_ENVIRONMENT_NAME',
  'CI_ENVIRONMENT_NAME',
  'CI_ENVIRONMENT_TIER',
]

// A word that others use too: Netlify's only where Netlify says that it is there.
const onlyBeside: Readonly<Record<string, string>> = { CONTEXT: 'NETLIFY' }

/** One place where variables stand: the environment of the command, or what was read with a candidate. */
export type Place = (key: string) => Value | undefined

/** The variables of one place that say production. */
export function productionKeys(place: Place): readonly string[] {
  return environmentKeys.filter((key) => {
    const beside = onlyBeside[key]
    if (beside !== undefined && place(beside) === undefined) return false
    return productionWordIn(place(key)?.value ?? '') !== undefined
  })
}

/** What the variables of one place call this environment. */
export function environmentNames(place: Place): readonly string[] {
  return environmentKeys.flatMap((key) => place(key)?.value ?? [])
}

/** Variables that say which git branch is deployed or built here, where there may be no repository, or no branch in it. */
export const gitBranchKeys: readonly string[] = [
  'VERCEL_GIT_COMMIT_REF',
  'RAILWAY_GIT_BRANCH',
  'RENDER_GIT_BRANCH',
  'CF_PAGES_BRANCH',
  'PLATFORM_BRANCH',
  'AWS_BRANCH',
  'GITHUB_REF_NAME',
  'CI_COMMIT_BRANCH',
]

/** Variables that name a branch of the database itself, and the hosts of the provider that gives them. */
const databaseBranchKeys: readonly (readonly [key: string, hosts: RegExp])[] = [
  ['NEON_BRANCH', /\.neon\.(?:tech|build)$/],
  ['XATA_BRANCH', /\.xata\.(?:sh|tech)$/],
]

/**
 * The branch that production uses, where a variable or the database's own name says that it is this one: `NEON_BRANCH=main`,
 * `shop:main` on Xata. The label is where it was read; none for the name.
 */
export function databaseBranch(host: string, database: string, place: Place): Partial<Value> | undefined {
  const [key = ''] = databaseBranchKeys.find(([, hosts]) => hosts.test(host.toLowerCase())) ?? []
  const named = place(key)
  if (named !== undefined) {
    return isProductionBranch(named.value) ? { value: `${key}=${named.value}`, label: named.label } : undefined
  }
  return key === 'XATA_BRANCH' && isProductionBranch(database.split(':')[1] ?? '') ? { value: database } : undefined
}

/** The names that the branch which is in production has. A word inside a name is none: `fix/live-search`. */
export function isProductionBranch(name: string): boolean {
  return /^(?:main|master|production|prod|prd|live)$/i.test(name)
}
