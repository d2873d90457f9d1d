/** A promise that only an abort settles. Declare it with `using`: the listener goes with it. */
export interface AbortRejection extends Disposable {
  readonly promise: Promise<never>;
}

/** A promise that rejects with the signal's reason when it is aborted. Race it against what may never end. */
export function rejectOnAbort(signal: AbortSignal | undefined): AbortRejection {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {}); // whoever races against it sees it
  const onAbort = () => reject(signal!.reason);
  if (signal?.aborted) onAbort();
  signal?.addEventListener("abort", onAbort);
  return { promise, [Symbol.dispose]: () => signal?.removeEventListener("abort", onAbort) };
}
