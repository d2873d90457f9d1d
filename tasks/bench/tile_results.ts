// What bench gpu-tiles finds, in words.
import { shareOfRoofline } from "../../lib/accounting/limits_exceeded.ts";
import type { MachineLimits } from "../../lib/accounting/roofline.ts";
import { formatTable } from "../../lib/accounting/table.ts";
import { formatShare, formatSi } from "../../lib/accounting/units.ts";

/** One variant's time for one product. */
export interface TileResult {
  readonly kernel: string;
  readonly rows: number;
  readonly I: number;
  readonly O: number;
  readonly variant: string;
  readonly flopsPerSecond: number;
  /** What the table takes for these sizes. */
  readonly isChosen: boolean;
}

/** A product's fastest variant and the chosen one, as it is measured. */
export function formatProduct(variants: readonly TileResult[]): string {
  const fastest = variants.toSorted((a, b) => b.flopsPerSecond - a.flopsPerSecond)[0];
  const chosen = variants.find(({ isChosen }) => isChosen)!;
  const describe = ({ variant, flopsPerSecond }: TileResult) => `${variant} ${formatSi(flopsPerSecond, "FLOP/s")}`;
  return `  ${describe(fastest)}` + (fastest === chosen ? " (chosen)" : `; chosen: ${describe(chosen)}`);
}

/** For each product the fastest variant and the chosen one, or all of them, as a table. */
export function formatResults(results: readonly TileResult[], limits: MachineLimits, all: boolean): string {
  const groups = Map.groupBy(results, ({ kernel, rows, I, O }) => `${kernel} rows=${rows} I=${I} O=${O}`);
  const rows = [...groups].flatMap(([product, variants]) => {
    const sorted = variants.toSorted((a, b) => b.flopsPerSecond - a.flopsPerSecond);
    return sorted.filter((result, i) => all || i === 0 || result.isChosen).map((result, i) => [
      i === 0 ? product : "",
      result.variant + (result.isChosen ? " (chosen)" : ""),
      formatSi(result.flopsPerSecond, "FLOP/s"),
      formatShare(shareOfRoofline({ flops: result.flopsPerSecond, bytes: 0, seconds: 1 }, limits)),
    ]);
  });
  return formatTable(["product", "variant", "FLOP/s", "of peak"], rows, [1]);
}
