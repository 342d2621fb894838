const past = (async () => {})()

/** What `queueMicrotask` does, which fake timers of tests hold up until they are moved: those of Jest where nothing else is said. */
export function inMicrotask(act: () => void): void {
  void past.then(act)
}
