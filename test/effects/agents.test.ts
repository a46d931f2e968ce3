import { expect, test } from 'vitest'
import { agentIn } from '../../src/effects/agents.ts'

const nothingThere = () => false

test.each<[Record<string, string>, string]>([
  [{ CLAUDECODE: '1' }, 'Claude Code'],
  [{ CURSOR_AGENT: '1', CURSOR_TRACE_ID: 'c0ffee' }, 'Cursor'],
  [{ CURSOR_EXTENSION_HOST_ROLE: 'agent-exec' }, 'Cursor'],
  [{ GEMINI_CLI: '1' }, 'Gemini CLI'],
  [{ CODEX_SANDBOX: 'seatbelt' }, 'Codex'],
  [{ CODEX_SANDBOX_NETWORK_DISABLED: '1' }, 'Codex'],
  [{ CODEX_THREAD_ID: '0199-abcd' }, 'Codex'],
  [{ REPLIT_CLI: '/nix/store/replit' }, 'Replit'],
  [{ COPILOT_AGENT: '1', TERM_PROGRAM: 'vscode' }, 'GitHub Copilot'],
  [{ OPENCODE: '1', AGENT: '1' }, 'opencode'],
  [{ AGENT: 'amp' }, 'Amp'],
  [{ AGENT: 'goose' }, 'Goose'],
  [{ OR_APP_NAME: 'Aider' }, 'Aider'],
  [{ CRUSH: '1' }, 'Crush'],
  [{ AI_AGENT: 'somebody@2.0' }, 'a coding agent'],
  [{ AI_AGENT: 'claude-code', CLAUDECODE: '1' }, 'Claude Code'],
])('%j is %s', (environment, name) => {
  expect(agentIn(environment, nothingThere)?.name).toBe(name)
})

test.each<[string, Record<string, string>]>([
  ['nobody', {}],
  ['a terminal of VS Code', { TERM_PROGRAM: 'vscode', VSCODE_GIT_IPC_HANDLE: '/run/x.sock', GIT_PAGER: 'cat' }],
  ['a terminal of Cursor', { TERM_PROGRAM: 'vscode', CURSOR_TRACE_ID: 'c0ffee' }],
  ['a terminal of Kiro', { TERM_PROGRAM: 'kiro' }],
  ['a terminal of Windsurf', { WINDSURF_CASCADE_TERMINAL_KIND: 'user' }],
  ['a shell on Replit', { REPL_ID: 'abc', REPL_SLUG: 'shop' }],
  ['keys and settings of agents', { GEMINI_API_KEY: 'x', CODEX_HOME: '/x', COPILOT_MODEL: 'x', GOOSE_PROVIDER: 'x' }],
  ['an ssh-agent, a build agent', { SSH_AGENT_PID: '1', AGENT: 'build-7', AGENT_NAME: 'x' }],
  ['what says no', { CLAUDECODE: '0', AI_AGENT: 'false', GEMINI_CLI: '', OPENCODE: 'no', CODEX_CI: ' off ' }],
  ['other words of the same name', { CRUSH: 'candy', GROK_AGENT: '/home/me/grok.toml', OR_APP_NAME: 'Shop' }],
])('%s is no agent', (_, environment) => {
  expect(agentIn(environment, nothingThere)).toBeUndefined()
})

test("Devin is known by its machine's file", () => {
  expect(agentIn({}, (path) => path === '/opt/.devin')).toEqual({ name: 'Devin', sign: '/opt/.devin is there' })
})
