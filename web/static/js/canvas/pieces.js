/** Long work in pieces, so that the page stays at hand: whatever else waits has its turn between two. */

const TURN = 8; // ms of work between two pauses

/**
 * Run a generator to its end; null when it was stopped.
 * @template T @param {Generator<void, T, void>} work @param {AbortSignal} [signal] @returns {Promise<T | null>}
 */
export async function inPieces(work, signal) {
  for (;;) {
    const until = performance.now() + TURN;
    while (performance.now() < until) {
      const { done, value } = work.next();
      if (done) return value;
    }
    await breath();
    if (signal?.aborted) return null;
  }
}

/** A message's turn comes after input and painting; a timer would be held back to 4 ms. @returns {Promise<void>} */
export function breath() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
