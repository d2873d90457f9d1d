import { attentionBackwardKeyValueSource } from "./attention_backward_key_value.ts";
import { attentionBackwardQuerySource } from "./attention_backward_query.ts";
import { attentionForwardSource } from "./attention_forward.ts";
import { BLOCK, type HeadLayout, headLayout } from "./attention_source.ts";
import { attentionDecodeCall } from "./attention_decode.ts";
import type { Constants, DeviceTraits, Dispatch, WgslKernel } from "./dispatch.ts";

/**
 * A dispatch with one workgroup for each block of positions.
 * @param products Products of a block of scores' size that the kernel computes: each takes 2 · headDim operations for a
 * query and a key. Half of them are spared by causality in training.
 */
function perBlock(
  name: string,
  source: (head: HeadLayout) => string,
  products: number,
  { B, T, S = T, H, headDim }: Constants,
  { software }: DeviceTraits,
): Dispatch {
  return {
    label: `${name} ${headDim}`,
    source: source(headLayout(headDim, !software)),
    workgroups: B * H * Math.ceil(T / BLOCK),
    flops: 2 * headDim * products * B * H * T * (S === T ? T / 2 : S),
    divisible: true,
  };
}

export const attentionForward: WgslKernel = (constants, traits) =>
  constants.T === 1
    ? attentionDecodeCall(constants, traits)
    : { dispatches: [perBlock("attention_forward", attentionForwardSource, 2, constants, traits)] };

/** Where the arrays of attention_backward lie among its bindings. */
const [Q, K, V, Y, LSE, D_Y, D_Q, D_K, D_V] = Array(9).keys();

/**
 * Two kernels, because a workgroup that adds to its queries' and to its keys' gradients would share one of them with
 * others. The first leaves dY·y to the second.
 */
export const attentionBackward: WgslKernel = (constants, traits) => {
  const { B, T, H, headDim, accumulateQuery, accumulateKey, accumulateValue } = constants;
  const sizes = [B, T, H, headDim];
  return {
    scratchBytes: 4 * B * H * T,
    dispatches: [{
      ...perBlock("attention_backward_query", attentionBackwardQuerySource, 3, constants, traits),
      reads: [Q, K, V, Y, LSE, D_Y],
      writes: [D_Q, "scratch"],
      params: [...sizes, accumulateQuery],
    }, {
      ...perBlock("attention_backward_key_value", attentionBackwardKeyValueSource, 4, constants, traits),
      reads: [Q, K, V, LSE, "scratch", D_Y],
      writes: [D_K, D_V],
      params: [...sizes, accumulateKey, accumulateValue],
    }],
  };
};
