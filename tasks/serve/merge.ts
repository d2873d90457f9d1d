/** What one of several generators gave: a value, or at its end what it returned. */
export type Merged<T, R> =
  | { readonly index: number; readonly value: T; readonly done: false }
  | { readonly index: number; readonly value: R; readonly done: true };

/** The values of several generators, as they come. Leaving the loop ends them all. */
export async function* merge<T, R>(
  generators: readonly AsyncGenerator<T, R, void>[],
): AsyncGenerator<Merged<T, R>, void, void> {
  const next = async (index: number): Promise<Merged<T, R>> => {
    const { value, done } = await generators[index].next();
    return done ? { index, value, done } : { index, value, done: false };
  };
  const pending = new Map(generators.map((_, index) => [index, next(index)]));
  try {
    while (pending.size > 0) {
      const first = await Promise.race(pending.values());
      if (first.done) pending.delete(first.index);
      else pending.set(first.index, next(first.index));
      yield first;
    }
  } finally {
    // Those that fail once nobody waits for them are no news.
    for (const promise of pending.values()) promise.catch(() => {});
  }
}
