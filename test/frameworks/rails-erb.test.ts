import { expect, test } from 'vitest'
import { askRuby, renderErb } from '../../src/frameworks/rails/erb.ts'
import { loadsDotenv } from '../../src/frameworks/rails/gemfile.ts'

const values = new Map(
  Object.entries({ SET: 'value', EMPTY: '', NUMBER: '7' }).map(([key, value]) => [
    key,
    { value, label: 'environment' },
  ]),
)

test.each([
  ['<%= ENV["SET"] %>', 'value'],
  ["<%= ENV['NONE'] -%>", ''],
  ['<%= ENV.fetch("SET") { "other" } %>', 'value'],
  ['<%= ENV.fetch("NUMBER", 5).to_i %>', '7'],
  ['<%= ENV.fetch("NONE", "other") %>', 'other'],
  ['<%= ENV.fetch("NONE") { ENV["SET"] } %>', 'value'],
  ['<%= ENV.fetch("NONE") do "other" end %>', 'other'],
  ['<%= ENV["NONE"] || ENV["SET"] || "x" %>', 'value'],
  // Ruby takes an empty text for true.
  ['<%= ENV["EMPTY"] || "x" %>', ''],
  ['<%= ENV["EMPTY"].presence || "x" %>', 'x'],
  ['shop_<%= ENV["SET"] %>_test', 'shop_value_test'],
  ['a <%# said %>b', 'a b'],
  ['# <%= `hostname` %>', '# '],
  ['<%= ENV.fetch("NONE") %>', askRuby],
  ['<%= Rails.application.credentials.db %>', askRuby],
  ['<%= "#{ENV["SET"]}_x" %>', askRuby],
  ['<% if ENV["SET"] %>x<% end %>', undefined],
])('%s is %s', (text, expected) => {
  expect(renderErb(text, values)).toBe(expected)
})

const lock = (gem: string) => `GEM\n  specs:\n    ${gem}\n`

test.each([
  ['gem "dotenv-rails"', '', 'production', 'yes'],
  ['gem "dotenv-rails", groups: [:development, :test]', '', 'production', 'no'],
  ["gem 'dotenv-rails', group: :test", '', 'test', 'yes'],
  ['group :test do\n  gem "dotenv-rails"\nend', '', 'development', 'no'],
  ['group :test do\n  gem "x"\nend\ngem "dotenv-rails"', '', 'development', 'yes'],
  ['gem "dotenv-rails", require: false', '', 'test', 'maybe'],
  ['gem "dotenv"', lock('dotenv (3.1.2)'), 'test', 'yes'],
  ['gem "dotenv"', lock('dotenv (2.8.1)'), 'test', 'maybe'],
  ['# gem "dotenv-rails"', '', 'test', 'no'],
  ['gemspec', lock('dotenv-rails (2.8.1)'), 'test', 'maybe'],
  [undefined, undefined, 'test', 'no'],
] as const)('%j, %j in %s loads dotenv: %s', (gemfile, locked, environment, expected) => {
  expect(loadsDotenv({ gemfile, lock: locked }, environment)).toBe(expected)
})
