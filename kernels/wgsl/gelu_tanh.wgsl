// For kernels of Elements: element_1.wgsl, element_4.wgsl. GELU approximately:
// (1 + tanh(u)) / 2 = sigmoid(2 u), 2 u = sqrt(8 / pi) x (1 + 0.044715 x^2). sigmoid: sigmoid.wgsl.

const SQRT_8_OVER_PI = 1.5957691216057308;
const CUBIC = 0.07135481627159952;

fn gelu_tanh(x: Element) -> Element {
  // From 400 on, the sigmoid is 0 or 1 whatever x is.
  return x * sigmoid(x * (SQRT_8_OVER_PI + CUBIC * min(x * x, Element(400.0))));
}

fn gelu_tanh_slope(x: Element) -> Element {
  // Beyond, it is 0 or 1 and stays so.
  let bounded = clamp(x, Element(-20.0), Element(20.0));
  let square = bounded * bounded;
  let s = sigmoid(bounded * (SQRT_8_OVER_PI + CUBIC * square));
  return s * (1.0 + (1.0 - s) * bounded * (SQRT_8_OVER_PI + 3.0 * CUBIC * square));
}
