// Reads the texts in one column of a Parquet file.
import { type ColumnChunk, type FileMetaData, parquetMetadata, parquetReadObjects, parquetSchema } from "hyparquet";
import { isUtf8 } from "node:buffer";
import type { TableOptions } from "../../../lib/corpus/text_inputs.ts";
import { excerpt } from "../../../lib/io/excerpt.ts";
import { PositionedFile } from "../../../lib/io/positioned_file.ts";
import { UserError } from "../errors.ts";
import { CODECS } from "./codecs.ts";
import { checkPages, MAX_READ_BYTES } from "./pages.ts";
import { ThriftWalk } from "./thrift.ts";

/** The longest footer. Each column of each row group takes about 100 bytes. */
const MAX_FOOTER_BYTES = 1 << 26;
/** Its length, and the magic. */
const TAIL_BYTES = 8;

/**
 * The texts of a column, row after row, as bytes in UTF-8. At most a row group is in memory; of a large one only a part, if
 * the file has an index of its pages.
 *
 * @throws {UserError} If there is no column of texts of that name, a row has none, a text is not UTF-8, or the file is
 *   damaged or packed in an unusual way.
 */
export async function* parquetTexts(
  path: string,
  options: TableOptions & {
    /** Rows are read in parts of about this many bytes, where the file says where its pages are. Default: 32 MiB. */
    readonly partBytes?: number;
  },
): AsyncGenerator<Uint8Array> {
  const { partBytes = 1 << 25 } = options;
  using file = await PositionedFile.open(path);
  const metadata = damaging(path, () => readMetadata(file));
  requireTextColumn(path, metadata, options.field);
  let first = 0;
  for (const group of metadata.row_groups) {
    const rows = Number(group.num_rows);
    const chunk = group.columns.find(({ meta_data: meta }) =>
      meta?.path_in_schema.length === 1 && meta.path_in_schema[0] === options.field
    );
    const place = damaging(path, () => placeOf(chunk, rows, file.size));
    const step = rowsAtOnce(path, place, rows, partBytes);
    for (let row = 0; row < rows; row += step) {
      options.signal?.throwIfAborted();
      const end = Math.min(rows, row + step);
      const texts = await readRows(file, metadata, place, first + row, first + end, options);
      for (let i = 0; i < texts.length; i++) yield requireText(texts[i], path, first + row + i);
    }
    first += rows;
  }
}

/** Where a column's bytes lie in a row group. */
interface Place {
  readonly start: number;
  readonly end: number;
  /** Bytes of its pages, unpacked, as the file says. */
  readonly unpacked: number;
  readonly hasIndex: boolean;
}

function readMetadata(file: PositionedFile): FileMetaData {
  const tail = new Uint8Array(TAIL_BYTES);
  if (file.size < 2 * TAIL_BYTES) throw new Error("it is too short");
  file.readAt(file.size - TAIL_BYTES, tail);
  const magic = new TextDecoder("latin1").decode(tail.subarray(4));
  if (magic !== "PAR1") throw new Error(magic === "PARE" ? "it is encrypted" : "its end is missing");
  const length = new DataView(tail.buffer).getUint32(0, true);
  if (length > Math.min(MAX_FOOTER_BYTES, file.size - TAIL_BYTES)) throw new Error(`a footer of ${length} bytes`);
  const footer = new Uint8Array(length + TAIL_BYTES);
  file.readAt(file.size - footer.length, footer);
  ThriftWalk.over(footer.subarray(0, length));
  return parquetMetadata(footer, { geoparquet: false });
}

function requireTextColumn(path: string, metadata: FileMetaData, field: string): void {
  const columns = damaging(path, () => parquetSchema(metadata).children);
  const isText = ({ element, children }: typeof columns[number]) =>
    children.length === 0 && element.type === "BYTE_ARRAY" && element.repetition_type !== "REPEATED" &&
    [undefined, "UTF8"].includes(element.converted_type) && [undefined, "STRING"].includes(element.logical_type?.type);
  if (columns.some((column) => column.element.name === field && isText(column))) return;
  const names = columns.filter(isText).map(({ element }) => excerpt(element.name));
  const next = names.length === 0
    ? "It has no column with text"
    : `Name the --field that has it; columns with text are ${names.slice(0, 8).join(", ")}${
      names.length > 8 ? ", …" : ""
    }`;
  throw new UserError(
    `Cannot read ${path}: got no text in column ${excerpt(field)}, must be a column of texts. ${next}`,
  );
}

function placeOf(chunk: ColumnChunk | undefined, rows: number, fileBytes: number): Place {
  const meta = chunk?.meta_data;
  if (chunk === undefined || meta === undefined) throw new Error("a row group without the column");
  if (chunk.file_path !== undefined) throw new Error("a column in another file");
  const start = Number(meta.dictionary_page_offset || meta.data_page_offset);
  const end = start + Number(meta.total_compressed_size);
  if (!(start >= 0 && start <= end && end <= fileBytes)) throw new Error(`a column from byte ${start} to ${end}`);
  if (!Number.isSafeInteger(rows) || rows < 0 || Number(meta.num_values) !== rows) {
    throw new Error(`${meta.num_values} values in ${rows} rows`);
  }
  const unpacked = Number(meta.total_uncompressed_size);
  if (!(unpacked >= 0)) throw new Error(`a column of ${unpacked} bytes`);
  return { start, end, unpacked, hasIndex: Boolean(chunk.offset_index_offset && chunk.offset_index_length) };
}

function rowsAtOnce(path: string, { unpacked, hasIndex }: Place, rows: number, partBytes: number): number {
  if (hasIndex) return Math.max(1, Math.floor(rows / Math.max(1, unpacked / partBytes)));
  if (unpacked <= MAX_READ_BYTES) return Math.max(1, rows);
  throw new UserError(
    `Cannot read ${path}: got a row group with ${unpacked} bytes in the column and no index of its pages, must be at most ` +
      `${MAX_READ_BYTES}. Write it again with smaller row groups, or with write_page_index=True of pyarrow`,
  );
}

async function readRows(
  file: PositionedFile,
  metadata: FileMetaData,
  place: Place,
  rowStart: number,
  rowEnd: number,
  { field, onRead }: TableOptions,
): Promise<unknown[]> {
  const slice = (start: number, end = file.size) => {
    if (!(start >= 0 && start <= end && end <= file.size)) throw new Error(`bytes ${start} to ${end}`);
    if (end - start > MAX_READ_BYTES) throw new Error(`${end - start} bytes at once`);
    const bytes = new Uint8Array(end - start);
    file.readAt(start, bytes);
    if (start >= place.start && end <= place.end) checkPages(bytes);
    else ThriftWalk.over(bytes);
    onRead?.(bytes.length);
    return bytes.buffer;
  };
  try {
    const rows = await parquetReadObjects({
      file: { byteLength: file.size, slice },
      metadata,
      columns: [field],
      rowStart,
      rowEnd,
      useOffsetIndex: true,
      compressors: CODECS,
      // As bytes: the library's own would drop a byte order mark, and mend what is not UTF-8.
      parsers: { stringFromBytes: (bytes: Uint8Array) => bytes as unknown as string },
    });
    if (rows.length !== rowEnd - rowStart) throw new Error(`${rows.length} rows instead of ${rowEnd - rowStart}`);
    return rows.map((row) => row[field]);
  } catch (error) {
    throw asDamaged(file.path, error);
  }
}

function requireText(value: unknown, path: string, row: number): Uint8Array {
  if (value instanceof Uint8Array && isUtf8(value)) return value;
  const got = value instanceof Uint8Array ? "bytes that are not UTF-8" : "no text";
  throw new UserError(`Cannot read ${path}, row ${row + 1}: got ${got}, must be text in UTF-8. Take the row out`);
}

/** @throws {UserError} If the file is not as it says. */
function damaging<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw asDamaged(path, error);
  }
}

/** Whatever goes wrong in the library is the file's fault: it was checked before. */
function asDamaged(path: string, error: unknown): unknown {
  if (error instanceof UserError || !(error instanceof Error)) return error;
  return new UserError(
    `Cannot read ${path}: got a damaged or unusual Parquet file (${
      excerpt(error.message).slice(1, -1)
    }), must be a complete ` +
      "one. Fetch it again, or write its texts as .jsonl",
    { cause: error },
  );
}
