/**
 * The pieces of a source until a signal is aborted, even if the source keeps its reader waiting, like a terminal or a
 * pipe that nobody writes to. The source is closed at the end; after an abort, as soon as it responds.
 * @throws {unknown} If the signal is aborted, its reason.
 */
export async function* abortable<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const pieces = source[Symbol.asyncIterator]();
  let isDone = false;
  try {
    while (!isDone) {
      signal.throwIfAborted();
      const next = await orAborted(pieces.next(), signal);
      if (next.done) isDone = true;
      else yield next.value;
    }
  } catch (error) {
    // Not awaited, because that may take for ever. Whatever it returns comes too late.
    if (signal.aborted) pieces.return?.().catch(() => {});
    isDone = true;
    throw error;
  } finally {
    if (!isDone) await pieces.return?.();
  }
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
