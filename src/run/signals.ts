type Receive = (signal: NodeJS.Signals) => void

/** Has these signals told to `receive` alone; what it returns gives them back to whoever handled them before. */
export function takeSignals(signals: readonly NodeJS.Signals[], receive: Receive): () => void {
  const giveBack = signals.map((signal) => takeSignal(signal, receive))
  return () => {
    for (const give of giveBack) give()
  }
}

// Ours comes before the others go, and goes after they came back: at no time is there none, or the signal would end us.
function takeSignal(signal: NodeJS.Signals, receive: Receive): () => void {
  const others = process.listeners(signal)
  const ours = () => receive(signal)
  process.on(signal, ours)
  for (const other of others) process.off(signal, other)
  return () => {
    for (const other of others) process.on(signal, other)
    process.off(signal, ours)
  }
}
