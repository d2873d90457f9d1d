// The list of files in a zip archive, as far as NumPy's .npz needs it.
import { UserError } from "../../errors.ts";
import { excerpt } from "../../io/excerpt.ts";
import type { PositionedFile } from "../../io/positioned_file.ts";

/** A file in an archive. */
export interface ZipEntry {
  readonly name: string;
  readonly isDeflated: boolean;
  readonly crc32: number;
  /** Bytes in the archive. */
  readonly packedBytes: number;
  /** Bytes when unpacked. */
  readonly bytes: number;
  /** Position of its own header. */
  readonly headerOffset: number;
}

/**
 * The records are read from the end. Numbers that do not fit 32 bits are in a record of their own ("zip64").
 *
 * Source: PKWARE's APPNOTE.TXT, sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16, 4.5.3
 */
const LOCAL = 0x04034b50, CENTRAL = 0x02014b50, END = 0x06054b50, END64 = 0x06064b50, LOCATOR64 = 0x07064b50;
const LOCAL_BYTES = 30, CENTRAL_BYTES = 46, END_BYTES = 22, END64_BYTES = 56, LOCATOR64_BYTES = 20;
const MAX_COMMENT_BYTES = 0xffff;
/** The longest list that is read: about a million files. */
const MAX_LIST_BYTES = 1 << 26;

/**
 * The files of an archive.
 * @throws {UserError} If it is damaged, or a file is encrypted or packed in another way than NumPy does.
 */
export function readZipEntries(file: PositionedFile): ZipEntry[] {
  const { start, length, count } = findList(file);
  const view = read(file, start, length);
  const entries: ZipEntry[] = [];
  for (let at = 0; entries.length < count;) {
    if (at + CENTRAL_BYTES > length || view.getUint32(at, true) !== CENTRAL) {
      throw damaged(file, "a list that ends early");
    }
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((offset) => view.getUint16(at + offset, true));
    const end = at + CENTRAL_BYTES + nameBytes + extraBytes + commentBytes;
    if (end > length) throw damaged(file, "a list that ends early");
    entries.push(entryAt(file, view, at, nameBytes, extraBytes));
    at = end;
  }
  return entries;
}

/**
 * Where the bytes of a file in the archive start.
 * @throws {UserError} If there are fewer than the list says.
 */
export function dataOffset(file: PositionedFile, { headerOffset, packedBytes, name }: ZipEntry): number {
  const view = read(file, headerOffset, LOCAL_BYTES);
  if (view.getUint32(0, true) !== LOCAL) throw damaged(file, `no file at byte ${headerOffset}`);
  const offset = headerOffset + LOCAL_BYTES + view.getUint16(26, true) + view.getUint16(28, true);
  if (offset + packedBytes > file.size) throw damaged(file, `${excerpt(name)}, which goes on after its end`);
  return offset;
}

interface List {
  readonly start: number;
  readonly length: number;
  readonly count: number;
}

function findList(file: PositionedFile): List {
  const tailBytes = Math.min(file.size, END_BYTES + MAX_COMMENT_BYTES);
  const view = read(file, file.size - tailBytes, tailBytes);
  let at = tailBytes - END_BYTES;
  while (
    at >= 0 && !(view.getUint32(at, true) === END && at + END_BYTES + view.getUint16(at + 20, true) === tailBytes)
  ) at--;
  if (at < 0) throw damaged(file, "no list of files at its end");
  const end = file.size - tailBytes + at;
  const list = list64(file, end) ??
    {
      count: view.getUint16(at + 10, true),
      length: view.getUint32(at + 12, true),
      start: view.getUint32(at + 16, true),
    };
  if (
    !(list.start + list.length <= end && list.length <= MAX_LIST_BYTES && list.count * CENTRAL_BYTES <= list.length)
  ) {
    throw damaged(file, `a list of ${list.count} files in ${list.length} bytes`);
  }
  return list;
}

function list64(file: PositionedFile, end: number): List | undefined {
  if (end < LOCATOR64_BYTES) return undefined;
  const locator = read(file, end - LOCATOR64_BYTES, LOCATOR64_BYTES);
  if (locator.getUint32(0, true) !== LOCATOR64) return undefined;
  const view = read(file, numberAt(locator, 8), END64_BYTES);
  if (view.getUint32(0, true) !== END64) throw damaged(file, "no list of files where it says");
  return { count: numberAt(view, 32), length: numberAt(view, 40), start: numberAt(view, 48) };
}

function entryAt(file: PositionedFile, view: DataView, at: number, nameBytes: number, extraBytes: number): ZipEntry {
  const nameAt = at + CENTRAL_BYTES;
  const name = new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + nameAt, nameBytes));
  const flags = view.getUint16(at + 8, true), method = view.getUint16(at + 10, true);
  if ((flags & 1) !== 0) throw damaged(file, `${excerpt(name)}, which is encrypted`);
  if (method !== 0 && method !== 8) throw damaged(file, `${excerpt(name)} packed by method ${method}`);
  const wide = wideNumbers(view, nameAt + nameBytes, extraBytes);
  // Each of these is in the other record if it has only ones here, in this order.
  const [bytes, packedBytes, headerOffset] = [24, 20, 42].map((offset) => {
    const value = view.getUint32(at + offset, true);
    return value === 0xffffffff ? wide.shift() ?? value : value;
  });
  if (method === 0 && bytes !== packedBytes) throw damaged(file, `${excerpt(name)} of two sizes`);
  return { name, isDeflated: method === 8, crc32: view.getUint32(at + 16, true), bytes, packedBytes, headerOffset };
}

/** The numbers of the zip64 record among an entry's extra records. */
function wideNumbers(view: DataView, start: number, length: number): number[] {
  for (let at = start; at + 4 <= start + length;) {
    const id = view.getUint16(at, true), size = view.getUint16(at + 2, true);
    if (at + 4 + size > start + length) break;
    if (id === 1) return Array.from({ length: size >> 3 }, (_, i) => numberAt(view, at + 4 + 8 * i));
    at += 4 + size;
  }
  return [];
}

/** A number of 64 bits. Above 2⁵³, where it cannot be a place in a file, it is not exact. */
function numberAt(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

function read(file: PositionedFile, start: number, length: number): DataView {
  if (!(start >= 0 && length <= file.size - start)) throw damaged(file, `a record at byte ${start}`);
  const bytes = new Uint8Array(length);
  file.readAt(start, bytes);
  return new DataView(bytes.buffer);
}

function damaged({ path }: PositionedFile, got: string): UserError {
  return new UserError(
    `Cannot read ${path}: got a zip archive with ${got}, must be one that NumPy wrote. Write it again`,
  );
}
