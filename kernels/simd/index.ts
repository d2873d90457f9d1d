// Everything that the compiled module exports: the kernels under the names of their signatures in lib/, and what the
// workers need to run them. A kernel takes pointers to its inputs, pointers to its outputs, its constants in the
// signature's order, then the address of the call's counters: see work.ts.

export { adamw } from "./adamw";
export { add_forward } from "./add";
export { axpby } from "./axpby";
export { add_bias } from "./add_bias";
export { add_positions_backward, add_positions_forward } from "./add_positions";
export { attention_backward, grouped_attention_backward } from "./attention_backward";
export { attention_forward, grouped_attention_forward, lane_attention_forward } from "./attention_forward";
export { batched_matmul } from "./batched_matmul";
export { await_call, complete, take, wake } from "./completion";
export { clip_grad_norm_factor, clip_grad_norm_partials } from "./clip_grad_norm";
export { copy } from "./copy";
export { copy_columns, write_columns } from "./copy_columns";
export {
  cross_entropy_backward,
  cross_entropy_backward_in_place,
  cross_entropy_forward,
  mean_forward,
} from "./cross_entropy";
export { divide_by_norm } from "./divide_by_norm";
export { dropout } from "./dropout";
export { add_embedding_forward, embedding_backward, embedding_forward } from "./embedding";
export { geglu_backward, geglu_forward, swiglu_backward, swiglu_forward } from "./gated";
export { gelu_backward, gelu_forward } from "./gelu";
export { layernorm_backward_input, layernorm_backward_weight, layernorm_forward } from "./layernorm";
export { linear_backward_input, linear_backward_weight, linear_forward } from "./linear";
export { masked_fill } from "./masked_fill";
export { mul_forward } from "./mul";
export { muon_momentum } from "./muon_momentum";
export { muon_update } from "./muon_update";
export { peak_fma } from "./peak";
export { dequantize_weight, embedding_quantized_forward, linear_quantized_forward } from "./quantized";
export { relu_squared_backward, relu_squared_forward } from "./relu_squared";
export { repeat_dimension } from "./repeat_dimension";
export { rmsnorm_backward_input, rmsnorm_backward_weight, rmsnorm_forward } from "./rmsnorm";
export { rope_backward, rope_forward } from "./rope";
export { scale } from "./scale";
export { scale_rows } from "./scale_rows";
export { set_scratch } from "./scratch";
export { sgd } from "./sgd";
export { silu_backward, silu_forward } from "./silu";
export { soft_cap_backward, soft_cap_backward_in_place, soft_cap_forward } from "./soft_cap";
export { softmax_backward, softmax_forward } from "./softmax";
export { sub_forward } from "./sub";
export { softmax_strided_backward, softmax_strided_forward } from "./softmax_strided";
export { sum_dimension } from "./sum_dimension";
export { strided_copy } from "./strided_copy";
export { sum_partials } from "./sum_partials";
export { claim as claim_work, divide as divide_work, end_unit, first_unit, set_worker } from "./work";
export { write_rows } from "./write_rows";
