/**
 * Joins the bytes of generated tokens, and ends before the first of some stop strings. Bytes that may be the beginning of
 * one are held back until that is known.
 *
 * @param ids Token ids as they are made; closed when a stop string is found.
 * @param bytesOf The bytes of a token.
 */
export async function* untilStopString(
  ids: AsyncIterable<number>,
  bytesOf: (id: number) => Uint8Array,
  stopStrings: readonly string[],
): AsyncGenerator<Uint8Array, void, void> {
  const stops = stopStrings.map((text) => new TextEncoder().encode(text)).filter(({ length }) => length > 0);
  let held: Uint8Array = new Uint8Array();
  for await (const id of ids) {
    const next = bytesOf(id);
    const bytes = new Uint8Array(held.length + next.length);
    bytes.set(held);
    bytes.set(next, held.length);
    const found = firstMatch(bytes, stops, false);
    if (found !== undefined) {
      if (found > 0) yield bytes.subarray(0, found);
      return;
    }
    const safe = firstMatch(bytes, stops, true) ?? bytes.length;
    if (safe > 0) yield bytes.subarray(0, safe);
    held = bytes.subarray(safe);
  }
  if (held.length > 0) yield held;
}

/** Where the first stop string begins; with `cutOff`, the first that may go on beyond the end. */
function firstMatch(bytes: Uint8Array, stops: readonly Uint8Array[], cutOff: boolean): number | undefined {
  for (let at = 0; at < bytes.length; at++) {
    for (const stop of stops) {
      const length = Math.min(stop.length, bytes.length - at);
      if (length < stop.length && !cutOff) continue;
      let i = 0;
      while (i < length && bytes[at + i] === stop[i]) i++;
      if (i === length) return at;
    }
  }
  return undefined;
}
