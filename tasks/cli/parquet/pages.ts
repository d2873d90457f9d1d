// Checks the pages of a column before a library reads them.
import { ThriftError, type ThriftNumbers, ThriftWalk } from "./thrift.ts";

/** The largest page, unpacked. Writers make pages of about a megabyte; one holds at least one text. */
const MAX_PAGE_BYTES = 1 << 28;
/** The most values in a page. Many equal ones take few bytes. */
const MAX_PAGE_VALUES = 1 << 24;

/** The most bytes of all pages that are read at once, unpacked. */
export const MAX_READ_BYTES: number = 1 << 30;

const DATA_PAGE = 0, DICTIONARY_PAGE = 2, DATA_PAGE_V2 = 3;

/**
 * Walks over the pages that `bytes` consist of.
 *
 * Source: PageHeader in https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
 *
 * @throws {ThriftError} If a page does not end within them, or claims a size that none has.
 */
export function checkPages(bytes: Uint8Array): void {
  let total = 0;
  for (let at = 0; at < bytes.length;) {
    const { end, numbers } = ThriftWalk.over(bytes, at);
    const unpacked = sizeOf(numbers, "2"), packed = sizeOf(numbers, "3");
    const type = numbers.get("1");
    const values = { [DATA_PAGE]: "5.1", [DICTIONARY_PAGE]: "7.1", [DATA_PAGE_V2]: "8.1" }[type ?? -1];
    const numValues = values === undefined ? 0 : sizeOf(numbers, values);
    total += unpacked;
    if (unpacked > MAX_PAGE_BYTES || total > MAX_READ_BYTES) throw new ThriftError(`pages of ${total} bytes`);
    // A text in a dictionary takes four bytes for its length.
    const most = type === DICTIONARY_PAGE ? unpacked / 4 : MAX_PAGE_VALUES;
    if (numValues > most) throw new ThriftError(`a page of ${numValues} values`);
    if (packed > bytes.length - end) {
      throw new ThriftError(`a page of ${packed} bytes where ${bytes.length - end} are left`);
    }
    if (type === DATA_PAGE_V2 && sizeOf(numbers, "8.5") + sizeOf(numbers, "8.6") > Math.min(packed, unpacked)) {
      throw new ThriftError("a page whose levels are longer than itself");
    }
    at = end + packed;
  }
}

function sizeOf(numbers: ThriftNumbers, path: string): number {
  const size = numbers.get(path);
  if (size === undefined || size < 0) throw new ThriftError(`a page without a size at ${path}`);
  return size;
}
