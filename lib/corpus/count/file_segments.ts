// Divides files into segments of similar size that any thread can read in any order. Each starts and ends at a safe
// cut.
import { PositionedFile } from "../../io/positioned_file.ts";
import { LongStretchError } from "../../tokenizer/pretokenize/long_stretch.ts";
import { firstSafeCut, MAX_CHAR_BYTES } from "../../tokenizer/pretokenize/safe_cut.ts";
import type { SpecialTokens } from "../../tokenizer/pretokenize/special_tokens.ts";

/** A range of a file: bytes `[start, end)`. Both ends are safe cuts, or the start or end of the file. */
export interface FileRange {
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

/** Ranges of files, each a text of its own, and how they are cut. Plain data, which can be sent to workers. */
export interface FileSegments {
  readonly ranges: readonly FileRange[];
  /** The approximate length of a segment, in bytes. */
  readonly segmentBytes: number;
}

/** Bytes read at a time. */
const PIECE_BYTES = 1 << 20;
/** Bytes searched for a cut at a time. */
const SEARCHED_BYTES = 1 << 12;

/** Whole files. */
export async function wholeFiles(paths: readonly string[]): Promise<FileRange[]> {
  return await Promise.all(paths.map(async (path) => ({ path, start: 0, end: (await Deno.stat(path)).size })));
}

/** Size of all ranges together. */
export function totalBytes({ ranges }: FileSegments): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0);
}

/** How many segments a range has. Some may turn out to be empty. */
function numSegmentsOf({ start, end }: FileRange, segmentBytes: number): number {
  return Math.ceil((end - start) / segmentBytes);
}

/** How many segments there are. */
export function numSegments({ ranges, segmentBytes }: FileSegments): number {
  return ranges.reduce((sum, range) => sum + numSegmentsOf(range, segmentBytes), 0);
}

/** What was read of a segment. */
export interface SegmentRead {
  readonly bytes: number;
  /** Time spent on reading, in milliseconds. */
  readonly readMs: number;
  /** The range's number, if it ends with this segment; else -1. */
  readonly endedRange: number;
}

/**
 * Reads segments. Segment i of a range nominally starts at i × segmentBytes, but begins and ends at the first safe cut
 * after that; if it has none, it belongs to the segment before it. Every thread finds the same cuts.
 */
export class SegmentReader implements Disposable {
  readonly #files: FileSegments;
  /** The number of each range's first segment; then how many segments there are. */
  readonly #firstSegments: Float64Array;
  readonly #specials: SpecialTokens;
  readonly #piece = new Uint8Array(PIECE_BYTES);
  #file?: PositionedFile;

  constructor(files: FileSegments, specials: SpecialTokens) {
    this.#files = files;
    this.#firstSegments = new Float64Array(files.ranges.length + 1);
    files.ranges.forEach((range, i) => {
      this.#firstSegments[i + 1] = this.#firstSegments[i] + numSegmentsOf(range, files.segmentBytes);
    });
    this.#specials = specials;
  }

  /**
   * Passes the bytes of a segment to `push`, in order. Each piece is valid only during the call. A
   * {@linkcode LongStretchError} thrown by `push` gets the file's name and the position in it.
   */
  read(segment: number, push: (piece: Uint8Array) => void): SegmentRead {
    const { ranges, segmentBytes } = this.#files;
    const index = this.#rangeOf(segment);
    const endedRange = segment === this.#firstSegments[index + 1] - 1 ? index : -1;
    segment -= this.#firstSegments[index];
    const range = ranges[index];
    const start = this.#cutFrom(range, range.start + segment * segmentBytes);
    if (start < 0) return { bytes: 0, readMs: 0, endedRange };
    let readMs = 0, at = start;
    const pushTo = (end: number) => {
      while (at < end) {
        const before = performance.now();
        const piece = this.#piece.subarray(0, Math.min(PIECE_BYTES, end - at));
        this.#readAt(range, at, piece);
        readMs += performance.now() - before;
        push(piece);
        at += piece.length;
      }
    };
    try {
      // Bytes without a cut are passed on before looking further, so that a receiver that cannot hold them fails early.
      for (let next = segment + 1, end = -1; end < 0; next++) {
        const nextStart = Math.min(range.end, range.start + next * segmentBytes);
        pushTo(nextStart);
        end = this.#cutFrom(range, nextStart);
        if (end >= 0) pushTo(end);
      }
    } catch (error) {
      throw error instanceof LongStretchError ? error.within(start, range.path) : error;
    }
    return { bytes: at - start, readMs, endedRange };
  }

  /** Whether a text begins with a segment, rather than goes on from the one before, or from what is before the range. */
  beginsText(segment: number): boolean {
    const index = this.#rangeOf(segment);
    return this.#firstSegments[index] === segment && this.#files.ranges[index].start === 0;
  }

  /** The range that a segment is in. */
  #rangeOf(segment: number): number {
    // The last range whose first segment is not after it. A range without segments has the same first segment as the
    // next.
    let low = 0, high = this.#firstSegments.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#firstSegments[middle] <= segment) low = middle;
      else high = middle;
    }
    return low;
  }

  [Symbol.dispose](): void {
    this.#file?.close();
    this.#file = undefined;
  }

  /**
   * The first safe cut at or after `from`, before the next segment; -1 if there is none. The ends of a range are cuts.
   */
  #cutFrom(range: FileRange, from: number): number {
    if (from === range.start || from === range.end) return from;
    const to = Math.min(range.end, from + this.#files.segmentBytes);
    const margin = this.#specials.maxBytes + MAX_CHAR_BYTES;
    for (let at = from; at < to; at += SEARCHED_BYTES) {
      const start = Math.max(range.start, at - margin);
      const end = Math.min(to, at + SEARCHED_BYTES);
      const bytes = new Uint8Array(Math.min(range.end, end + margin) - start);
      this.#readAt(range, start, bytes);
      const cut = firstSafeCut(bytes, at - start, end - start, this.#specials);
      if (cut >= 0) return start + cut;
    }
    return -1;
  }

  #readAt({ path, end }: FileRange, at: number, bytes: Uint8Array): void {
    if (this.#file?.path !== path) {
      this[Symbol.dispose]();
      this.#file = PositionedFile.openSync(path);
    }
    this.#file!.readAt(at, bytes, end);
  }
}
