// Merges very long pre-tokens window by window, in time and memory proportional to their length.
import { IdChunks, type IdsView } from "../encode/id_chunks.ts";

/** How parts of a long word are merged. Positions count bytes. */
export interface WindowMerger {
  /** The type of arrays for ids. */
  readonly IdArray: typeof Uint16Array | typeof Uint32Array;
  /** The tokens of the bytes from `from` to `to`, merged as if they were a pre-token. */
  merge(from: number, to: number): Uint32Array;
  /** Length of a token in bytes. */
  byteLength(id: number): number;
}

/** Where a window begins: at byte `start`, with `numIds` ids before it. */
interface Takeover {
  readonly start: number;
  readonly numIds: number;
}

/** The part of each window that is kept, except for the last: its end would be different with more text. */
const KEPT = 3 / 4;

/**
 * The tokens of the pre-token from byte `from` to byte `to`, merged in windows of `windowBytes` bytes at first.
 *
 * A sequence of tokens is the encoding of its bytes if and only if every two neighbours are the encoding of theirs: then,
 * and only then, no merge ever reaches across a boundary. So the tokens of one window, up to a boundary, may be followed by
 * those of a window that starts there if the two tokens at the boundary are an encoding. Where they are not, the end of the
 * text decides how what is before is merged: an earlier boundary and larger windows are tried, in the end the whole.
 * Nothing is certain until the end is reached.
 *
 * Source: https://github.com/github/rust-gems/tree/main/crates/bpe, README, on compatible tokens
 *
 * @returns The ids in pieces.
 */
export function mergeInWindows(
  merger: WindowMerger,
  from: number,
  to: number,
  windowBytes: number,
): readonly IdsView[] {
  const kept = new IdChunks(merger.IdArray);
  const takeovers: Takeover[] = [];
  let start = from;
  for (;;) {
    const end = Math.min(to, start + windowBytes);
    const ids = merger.merge(start, end);
    if (start > from && !areNeighbours(merger, kept.last, ids[0], start)) {
      // Larger windows from now on, so that this ends; and as far back, so that it ends soon.
      windowBytes *= 2;
      const target = start - windowBytes;
      let back: Takeover;
      do back = takeovers.pop()!; while (takeovers.length > 0 && back.start > target);
      start = back.start;
      kept.truncate(back.numIds);
      continue;
    }
    if (end === to) {
      kept.append(ids);
      return kept.chunks;
    }
    takeovers.push({ start, numIds: kept.length });
    let cut = start, numKept = 0;
    while (cut < start + windowBytes * KEPT) cut += merger.byteLength(ids[numKept++]);
    kept.append(ids.subarray(0, numKept));
    start = cut;
  }
}

/** Whether two tokens, whose bytes meet at `boundary`, are the encoding of these bytes. */
function areNeighbours(merger: WindowMerger, left: number, right: number, boundary: number): boolean {
  const ids = merger.merge(boundary - merger.byteLength(left), boundary + merger.byteLength(right));
  return ids.length === 2 && ids[0] === left && ids[1] === right;
}
