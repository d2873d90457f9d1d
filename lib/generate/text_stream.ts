/**
 * Joins the bytes of generated tokens, and ends before the stop string that begins first in the text. So the end
 * depends only on the text, not on how it is divided into tokens. Bytes that may begin a stop string are held back,
 * with all that follow them, until that is known.
 *
 * @param ids Token ids as they are made; closed when a stop string is found that no other can precede.
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
    const { at, isWhole } = firstMatch(bytes, stops, true);
    if (at > 0) yield bytes.subarray(0, at);
    if (isWhole) return;
    held = bytes.subarray(at);
  }
  // An incomplete stop string does not count, but there may be another one after its beginning.
  const { at } = firstMatch(held, stops, false);
  if (at > 0) yield held.subarray(0, at);
}

/** Where a stop string begins; the end if there is none. */
interface Match {
  readonly at: number;
  /** Whether all of it is there. */
  readonly isWhole: boolean;
}

/**
 * The first stop string; with `cutOff`, one that may continue beyond the end. Prefers a complete one in the same place.
 */
function firstMatch(bytes: Uint8Array, stops: readonly Uint8Array[], cutOff: boolean): Match {
  for (let at = 0; at < bytes.length; at++) {
    const begun = stops.filter((stop) => {
      const length = Math.min(stop.length, bytes.length - at);
      if (length < stop.length && !cutOff) return false;
      let i = 0;
      while (i < length && bytes[at + i] === stop[i]) i++;
      return i === length;
    });
    if (begun.length > 0) return { at, isWhole: begun.some(({ length }) => length <= bytes.length - at) };
  }
  return { at: bytes.length, isWhole: false };
}
