// Numbers as people type them.
import type { FlagSpec } from "./flags.ts";
import { shown } from "./shown.ts";

/** Reads the value of `--name`: decimal, finite, and within the bounds; or calls `fail`. */
export function parseNumber(
  name: string,
  text: string,
  spec: FlagSpec,
  fail: (got: string, mustBe: string) => never,
): number {
  const { words = {}, min = -Infinity, max = Infinity, above = -Infinity, below = Infinity } = spec;
  if (Object.hasOwn(words, text)) return words[text];
  const match = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.exec(text);
  const value = match === null ? NaN : Number(text);
  const isWhole = spec.type === "integer";
  // 1e-400 is no number that a double can hold either.
  const isHeld = Number.isFinite(value) && (value !== 0 || !/[1-9]/.test(match![1]));
  const isRight = isHeld && (!isWhole || Number.isSafeInteger(value));
  if (isRight && value >= min && value <= max && value > above && value < below) return value;
  const isTooSmall = !isWhole && match !== null && !isHeld && Number.isFinite(value);
  const bounds = [
    min > -Infinity ? `at least ${min}` : "",
    above > -Infinity ? `above ${above}` : "",
    max < Infinity ? `at most ${max}` : "",
    below < Infinity ? `below ${below}` : "",
    isTooSmall ? `not so close to 0 (the smallest is ${Number.MIN_VALUE})` : "",
  ].filter(Boolean).join(" and ");
  const kind = isWhole ? "a whole number" : match !== null && !Number.isFinite(value) ? "a finite number" : "a number";
  const orWord = Object.keys(words).map((word) => `, or ${word}`).join("");
  const joined = bounds.startsWith("at ") ? `of ${bounds}` : bounds;
  return fail(`--${name} ${shown(text)}`, `${kind} ${joined}`.trim() + orWord);
}
