import { attentionBackwardKeyValueSource } from "./attention_backward_key_value.ts";
import { attentionBackwardQuerySource } from "./attention_backward_query.ts";
import { attentionForwardSource } from "./attention_forward.ts";
import { BLOCK, type HeadLayout, headLayout } from "./attention_source.ts";
import type { WgslKernel } from "./dispatch.ts";

function perBlock(name: string, source: (head: HeadLayout) => string): WgslKernel {
  return ({ B, T, H, headDim }) => ({
    dispatches: [{
      label: `${name} ${headDim}`,
      source: source(headLayout(headDim)),
      workgroups: B * H * Math.ceil(T / BLOCK),
    }],
  });
}

export const attentionForward = perBlock("attention_forward", attentionForwardSource);
export const attentionBackwardQuery = perBlock("attention_backward_query", attentionBackwardQuerySource);
export const attentionBackwardKeyValue = perBlock("attention_backward_key_value", attentionBackwardKeyValueSource);
