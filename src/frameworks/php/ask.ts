import { basename } from 'node:path'
import type { Io } from '../../effects/io.ts'
import { type Answer, answerMarker, askProgram } from '../ask.ts'
import type { Call } from '../framework.ts'

// Never an argument: a test suite's settings may hold passwords, and arguments show in `ps`.
const questionKey = 'DB_SEATBELT_QUESTION'

/** Before every script: `$question` is what was asked, and what the project's code prints is kept apart from `$answer`. */
const opening = `
$question = json_decode(getenv('${questionKey}'), true);
putenv('${questionKey}');
unset($_SERVER['${questionKey}'], $_ENV['${questionKey}']);
function db_seatbelt_answer($answer) {
    while (ob_get_level() > 0) ob_end_clean();
    echo "\\n${answerMarker}", json_encode($answer, JSON_PARTIAL_OUTPUT_ON_ERROR | JSON_INVALID_UTF8_SUBSTITUTE), "\\n";
}
ob_start();
try {
`

const closing = `
} catch (Throwable $error) {
    while (ob_get_level() > 0) ob_end_clean();
    fwrite(STDERR, trim(preg_replace('/\\s+/', ' ', $error->getMessage())) . "\\n");
    exit(1);
}
`

/** Runs a script in the PHP of the call, in its folder and environment; it calls `db_seatbelt_answer` once. */
export async function askPhp(io: Io, call: Call, script: string, question: unknown): Promise<Answer> {
  const environment = { ...call.environment, [questionKey]: JSON.stringify(question) }
  const code = `${opening}${script}${closing}`
  return askProgram(io, { ...call, environment }, phpOf(call), ['-d', 'display_errors=0', '-r', code])
}

/** The PHP that the line itself names (`php8.3 artisan …`), else the one of the PATH, as a script's first line has it. */
function phpOf(call: Call): string {
  const launcher = call.via.at(-1)?.split(' ')[0] ?? ''
  return /^php[\d.]*$/.test(basename(launcher)) ? launcher : 'php'
}
