import { attentionBackwardKeyValueSource } from "./attention_backward_key_value.ts";
import { attentionBackwardQuerySource } from "./attention_backward_query.ts";
import { attentionForwardSource } from "./attention_forward.ts";
import { BLOCK, type HeadLayout, headLayout } from "./attention_source.ts";
import { attentionDecodeCall } from "./attention_decode.ts";
import type { WgslKernel } from "./dispatch.ts";

/**
 * @param products Products of a block of scores' size that the kernel computes: each takes 2 · headDim operations for a
 * query and a key. Half of them are spared by causality in training.
 */
function perBlock(name: string, source: (head: HeadLayout) => string, products: number): WgslKernel {
  return ({ B, T, S = T, H, headDim }, { software }) => ({
    dispatches: [{
      label: `${name} ${headDim}`,
      source: source(headLayout(headDim, !software)),
      workgroups: B * H * Math.ceil(T / BLOCK),
      flops: 2 * headDim * products * B * H * T * (S === T ? T / 2 : S),
      divisible: true,
    }],
  });
}

const forwardPerBlock = perBlock("attention_forward", attentionForwardSource, 2);

export const attentionForward: WgslKernel = (constants, traits) =>
  constants.T === 1 ? attentionDecodeCall(constants, traits) : forwardPerBlock(constants, traits);

export const attentionBackwardQuery = perBlock("attention_backward_query", attentionBackwardQuerySource, 3);
export const attentionBackwardKeyValue = perBlock("attention_backward_key_value", attentionBackwardKeyValueSource, 4);
