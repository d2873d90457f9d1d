// Files in segments of like size that can be read in any order, by any thread: each starts and ends at a safe cut.
import { PositionedFile } from "../../io/positioned_file.ts";
import { LongStretchError } from "../../tokenizer/pretokenize/long_stretch.ts";
import { firstSafeCut, MAX_CHAR_BYTES } from "../../tokenizer/pretokenize/safe_cut.ts";
import type { SpecialTokens } from "../../tokenizer/pretokenize/special_tokens.ts";

/** A stretch of a file: bytes `[start, end)`, each of them a safe cut or an end of the file. */
export interface FileRange {
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

/** Stretches of files, each a text of its own, and how they are cut: plain data, to be sent to workers. */
export interface FileSegments {
  readonly ranges: readonly FileRange[];
  /** About how long a segment is, in bytes. */
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

/** How many segments a range has. Some may turn out empty. */
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
 * Reads segments. Segment i of a range has its share of bytes from i × segmentBytes on, but begins and ends at the first
 * safe cut after that: so it belongs to the text before it where it has none. Whoever looks for a cut finds the same one.
 */
export class SegmentReader implements Disposable {
  readonly #files: FileSegments;
  /** The number of each range's first segment; then how many segments there are. */
  readonly #firstSegments: Float64Array;
  readonly #specials: SpecialTokens;
  readonly #piece = new Uint8Array(PIECE_BYTES);
  #file: PositionedFile | null = null;

  constructor(files: FileSegments, specials: SpecialTokens) {
    this.#files = files;
    this.#firstSegments = new Float64Array(files.ranges.length + 1);
    files.ranges.forEach((range, i) => {
      this.#firstSegments[i + 1] = this.#firstSegments[i] + numSegmentsOf(range, files.segmentBytes);
    });
    this.#specials = specials;
  }

  /**
   * Hands the bytes of a segment to `push`, in order. Each piece is valid during the call. A {@linkcode LongStretchError} of
   * `push` comes through with the file's name and the place in it.
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
      // What has no cut is handed on before the next is looked for: who cannot hold it says so soon.
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

  /** The range that a segment is in. */
  #rangeOf(segment: number): number {
    // The last range whose first segment is not after it; ranges without segments share theirs with the next.
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
    this.#file = null;
  }

  /** The first safe cut at `from` or after it, before the next segment; -1 if there is none. A range's ends are cuts. */
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
