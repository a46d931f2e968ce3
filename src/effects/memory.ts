// With little in it the process holds 60 to 75 MB resident, most of it Bun's own code.
const large = 100_000_000
const growth = 4_000_000

let afterLast = 0

/**
 * Collects garbage where the process has become large, for work that leaves much of it. By itself the collector comes
 * round only after tens of megabytes of a heap, and each thread has a heap. Where what is in use is as large, nothing is
 * collected again before there is more of it: each time takes some milliseconds for 10 MB.
 */
export function collectWhenLarge(): void {
  const resident = process.memoryUsage.rss()
  if (resident < large || resident < afterLast + growth) return
  Bun.gc(true)
  afterLast = process.memoryUsage.rss()
}
