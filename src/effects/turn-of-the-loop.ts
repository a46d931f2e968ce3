/**
 * Lets JavaScript hear of the signals that we have got. One to the whole group, as Ctrl-C, comes to us before the end of
 * a program that it ended, but may be told after it.
 */
export function turnOfTheLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
