// Kernels whose exponentials and divisions are as far off as WGSL allows: what a real GPU may compute, on any adapter.
// Source: WGSL, "Accuracy of built-in functions and operators": exp within 3 + 2·|x| ULP, division within 2.5 ULP.
import type { WgslKernel } from "../../kernels/wgsl/dispatch.ts";

/** Which way results are off: all up, all down, or one way or the other by the bits of the operand. */
export const ROUGHNESS = ["up", "down", "mixed"] as const;

type Roughness = typeof ROUGHNESS[number];

/** Signs of the error, as WGSL of the operand `x`. */
const SIGN: Readonly<Record<Roughness, string>> = {
  up: "1",
  down: "-1",
  mixed: "select(-1, 1, countOneBits(bitcast<u32>(x) * 0x9e3779b9u) % 2u == 0u)",
};

/** Below this, results are left alone: they may be 0, or subnormal. */
const SMALLEST = "1e-30";

/**
 * The kernel with rough exponentials, and rough divisions where they are named.
 *
 * @param divisions Dividends and divisors of f32, as the source writes them.
 * @throws {Error} If the source lacks one of those, or has no exponential.
 */
export function withRoughMath(
  kernel: WgslKernel,
  roughness: Roughness,
  divisions: readonly (readonly [string, string])[] = [],
): WgslKernel {
  return (constants, traits) => {
    const call = kernel(constants, traits);
    return {
      ...call,
      dispatches: call.dispatches.map((dispatch) => ({
        ...dispatch,
        source: roughen(dispatch.source, roughness, divisions),
      })),
    };
  };
}

function roughen(source: string, roughness: Roughness, divisions: readonly (readonly [string, string])[]): string {
  let rough = source.replaceAll(/\bexp\(/g, "rough_exp(");
  if (rough === source) throw new Error("Cannot make exponentials rough: the source has none");
  for (const [dividend, divisor] of divisions) {
    const division = `${dividend} / ${divisor}`;
    if (!rough.includes(division)) throw new Error(`Cannot make a division rough: the source lacks "${division}"`);
    rough = rough.replaceAll(division, `rough_divide(${dividend}, ${divisor})`);
  }
  return `${rough}
fn off_by(y: f32, x: f32, ulps: f32) -> f32 {
  let sign = ${SIGN[roughness]};
  return select(y, bitcast<f32>(bitcast<i32>(y) + sign * i32(ulps)), abs(y) > ${SMALLEST});
}

fn rough_exp(x: f32) -> f32 {
  return off_by(exp(x), x, 3.0 + 2.0 * abs(x));
}

fn rough_divide(x: f32, y: f32) -> f32 {
  return off_by(x / y, x, 2.5);
}
`;
}
