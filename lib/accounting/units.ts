/** Numbers for people to read. Exact values belong in JSON. */

const SI_PREFIXES = ["", "k", "M", "G", "T", "P", "E", "Z", "Y"];

/** Three significant digits and a decimal prefix: `formatSi(8.5e9, "B")` is `8.50 GB`. */
export function formatSi(value: number, unit: string): string {
  return scaled(value, 1000, SI_PREFIXES, unit);
}

/** Three significant digits and a binary prefix: `formatBinary(2 ** 30)` is `1.00 GiB`. */
export function formatBinary(bytes: number): string {
  return scaled(bytes, 1024, SI_PREFIXES.map((prefix) => prefix && `${prefix.toUpperCase()}i`), "B");
}

/** Three significant digits and the field's suffixes for amounts: `formatAmount(2.1e9)` is `2.10 B`. */
export function formatAmount(value: number): string {
  return scaled(value, 1000, ["", "k", "M", "B", "T", "Q"], "").trimEnd();
}

/** Digits in groups of three: `2,127,057,600`. Fractions are rounded away. */
export function formatCount(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** `22.61 %` for 0.2261, and `?` for an unknown share. */
export function formatShare(share: number | undefined): string {
  return share === undefined ? "?" : `${(share * 100).toFixed(2)} %`;
}

const DURATIONS: readonly [name: string, seconds: number][] = [
  ["years", 365.25 * 86_400],
  ["days", 86_400],
  ["hours", 3600],
  ["minutes", 60],
  ["s", 1],
  ["ms", 1e-3],
  ["µs", 1e-6],
];

/** Three significant digits, from microseconds up to years; a larger unit from two of it on, but seconds from one. */
export function formatDuration(seconds: number): string {
  const [name, size] = DURATIONS.find(([, size]) => seconds >= (size > 1 ? 2 * size : size)) ?? DURATIONS.at(-1)!;
  return `${threeDigits(seconds / size)} ${name}`;
}

function scaled(value: number, base: number, prefixes: readonly string[], unit: string): string {
  let power = 0;
  // From 999.5 on it would be rounded to 1,000 of the smaller unit.
  while (Math.abs(value) / base ** power >= base - 0.5 && power < prefixes.length - 1) power++;
  if (power === 0 && Number.isInteger(value)) return `${formatCount(value)} ${unit}`;
  return `${threeDigits(value / base ** power)} ${prefixes[power]}${unit}`;
}

function threeDigits(value: number): string {
  return Math.abs(value) >= 999.5 ? formatCount(value) : value.toPrecision(3);
}
