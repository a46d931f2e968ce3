import type { Io } from '../../effects/io.ts'
import { answerMarker, askProgram } from '../ask.ts'
import type { Call } from '../framework.ts'
import { type Entry, settingsOf } from './database-yml.ts'

// Loads config/application, as every rails and rake command does first, and no more: no initializer of the application runs.
const script = String.raw`
marker, root = ARGV
require File.expand_path("config/application", root)
require "active_record"
require "active_record/database_configurations"
require "json"
configurations = ActiveRecord::DatabaseConfigurations.new(Rails.application.config.database_configuration)
entries = configurations.configurations.map do |entry|
  settings = entry.respond_to?(:configuration_hash) ? entry.configuration_hash : entry.config
  name = entry.respond_to?(:name) ? entry.name : entry.spec_name
  { environment: entry.env_name, name: name, settings: settings }
end
STDOUT.puts "\n" + marker + JSON.generate(entries)
STDOUT.flush
exit!(0)
`

/** The entries as Rails itself merges them, or why Ruby gave none. */
export async function askEntries(
  io: Io,
  call: Call,
  root: string,
): Promise<readonly Entry[] | { readonly problem: string }> {
  const answer = await askProgram(io, call, 'ruby', ['-e', script, answerMarker, root])
  if ('problem' in answer) return answer
  return Array.isArray(answer.value) ? answer.value.map(entryOf) : { problem: 'ruby gave no list' }
}

function entryOf(value: unknown): Entry {
  const { environment, name, settings } = value as Record<'environment' | 'name' | 'settings', unknown>
  return { environment: String(environment), name: String(name), settings: settingsOf(settings) }
}
