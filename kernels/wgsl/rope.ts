import { type WgslKernel, WORKGROUP } from "./dispatch.ts";
import pairs1 from "./pairs_1.wgsl" with { type: "text" };
import pairs2 from "./pairs_2.wgsl" with { type: "text" };
import backward from "./rope_backward.wgsl" with { type: "text" };
import forward from "./rope_forward.wgsl" with { type: "text" };
import { withConstants } from "./specialize.ts";

export const ropeForward: WgslKernel = pairwise("rope_forward", forward);
export const ropeBackward: WgslKernel = pairwise("rope_backward", backward);

/** One invocation for each pair, or for two where a head has an even number of them. */
function pairwise(label: string, source: string): WgslKernel {
  return ({ rows, D, headDim }) => {
    const pairs = headDim % 4 === 0 ? 2 : 1;
    const row = D / 2 / pairs;
    return {
      dispatches: [{
        label,
        source: withConstants(ofPairs(source, pairs), { ROW: row, HEAD: headDim / 2 / pairs }),
        workgroups: Math.ceil(rows * row / WORKGROUP),
      }],
    };
  };
}

/** The source with `Pairs` and `Angles` declared, and its arrays of these spelt out for `withHalfStorage`. */
function ofPairs(source: string, pairs: 1 | 2): string {
  const [type, angles, prelude] = pairs === 2 ? ["vec4f", "vec2f", pairs2] : ["vec2f", "f32", pairs1];
  const spelt = source.replaceAll("array<Pairs>", `array<${type}>`).replaceAll("array<Angles>", `array<${angles}>`);
  return `${spelt}\n${prelude}`;
}
