import { existsSync } from 'node:fs'
import type { Environment } from './io.ts'

/** A coding agent that runs us. */
export type Agent = {
  readonly name: string
  /** By what it was recognised: a variable's name, or a file. */
  readonly sign: string
}

type Marker = readonly [name: string, variable: string, value?: string]

/**
 * What agents set for the commands that they run, and no editor sets for a person's own terminal: so neither
 * CURSOR_TRACE_ID, REPL_ID nor TERM_PROGRAM alone. With a value: that value only. Sources in docs/production.md.
 */
const markers: readonly Marker[] = [
  ['Claude Code', 'CLAUDECODE'],
  ['Claude Code', 'CLAUDE_CODE'],
  ['Claude Code', 'CLAUDE_CODE_CHILD_SESSION'],
  ['Cursor', 'CURSOR_AGENT'],
  ['Cursor', 'CURSOR_EXTENSION_HOST_ROLE', 'agent-exec'],
  ['Gemini CLI', 'GEMINI_CLI'],
  ['Codex', 'CODEX_SANDBOX'],
  ['Codex', 'CODEX_SANDBOX_NETWORK_DISABLED'],
  ['Codex', 'CODEX_THREAD_ID'],
  ['Codex', 'CODEX_CI'],
  ['Replit', 'REPLIT_CLI'],
  ['GitHub Copilot', 'COPILOT_AGENT'],
  ['GitHub Copilot', 'COPILOT_CLI'],
  ['GitHub Copilot', 'COPILOT_AGENT_SESSION_ID'],
  ['GitHub Copilot', 'COPILOT_AGENT_JOB_ID'],
  ['an agent of VS Code', 'VSCODE_AGENT'],
  ['opencode', 'OPENCODE'],
  ['Amp', 'AMP_CURRENT_THREAD_ID'],
  ['Amp', 'AGENT', 'amp'],
  ['Goose', 'GOOSE_TERMINAL'],
  ['Goose', 'AGENT', 'goose'],
  ['Cline', 'CLINE_ACTIVE'],
  ['Roo Code', 'ROO_ACTIVE'],
  ['Windsurf', 'WINDSURF_CASCADE_TERMINAL'],
  ['Augment', 'AUGMENT_AGENT'],
  ['Antigravity', 'ANTIGRAVITY_AGENT'],
  ['Qwen Code', 'QWEN_CODE'],
  ['Trae', 'TRAE_AI_SHELL_ID'],
  ['Crush', 'CRUSH', '1'],
  ['pi', 'PI_CODING_AGENT'],
  ['iFlow', 'IFLOW_CLI'],
  ['Grok', 'GROK_AGENT', '1'],
  ['OpenClaw', 'OPENCLAW_SHELL'],
  ['Aider', 'OR_APP_NAME', 'Aider'],
  // What they are to agree on; its value is a name that anybody may choose.
  ['a coding agent', 'AI_AGENT'],
]

const devinFile = '/opt/.devin'

/** The agent behind this environment, if one shows. A variable that says no (`0`, `false`) is none. */
export function agentIn(environment: Environment, exists: (path: string) => boolean = existsSync): Agent | undefined {
  const found = markers.find(([, variable, value]) => says(environment[variable] ?? '', value))
  if (found !== undefined) return { name: found[0], sign: `${found[1]} is set` }
  return exists(devinFile) ? { name: 'Devin', sign: `${devinFile} is there` } : undefined
}

function says(found: string, wanted: string | undefined): boolean {
  return wanted === undefined ? !/^(?:|0|false|no|off)$/i.test(found.trim()) : found === wanted
}
