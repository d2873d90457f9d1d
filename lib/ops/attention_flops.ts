/**
 * FLOPs that a softmax over scores costs for each pair of positions besides the products: forward scale, running
 * maximum, subtraction, exponential, running sum; backward scale, subtraction, exponential, and p·(dP − delta).
 */
export const SOFTMAX_PER_PAIR = 5;
