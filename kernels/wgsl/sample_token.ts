import { type WgslKernel, workgroupPerRow } from "./dispatch.ts";
import chain from "./sample_token.wgsl" with { type: "text" };
import walk from "./sample_token_walk.wgsl" with { type: "text" };

const perLane = workgroupPerRow("sample_token", `${chain}\n${walk}`, ({ B }) => B, ({ V }) => V);

/** sample_token, whose scores are scratch memory. */
export const sampleToken: WgslKernel = (constants, traits) => ({
  scratchBytes: 4 * constants.B * constants.V,
  dispatches: perLane(constants, traits).dispatches.map((dispatch) => ({ ...dispatch, writes: [5, 6, "scratch"] })),
});
