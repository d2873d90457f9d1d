// For kernels of Elements: element_1.wgsl, element_4.wgsl. GELU by the normal distribution.

const OVER_SQRT_2PI = 0.3989422804014327;

// exp(-x^2 / 2)
fn bell(x: Element) -> Element {
  return exp(-0.5 * min(x * x, Element(200.0)));
}

// The share of the normal distribution below x, given exp(-x^2 / 2): for z >= 0, that below -z is exp(-z^2 / 2) t p(t),
// t = 1 / (1 + 0.35 z), with a relative error of 4e-8. Fitted to the exact function at Chebyshev's points, up to 14.
fn normal(x: Element, e: Element) -> Element {
  let t = 1.0 / (1.0 + 0.35 * abs(x));
  var p = -0.0295525694 * t + 0.145892507;
  p = p * t - 0.25954765;
  p = p * t + 0.163379195;
  p = p * t - 0.0258708353;
  p = p * t + 0.106614;
  p = p * t + 0.119570151;
  p = p * t + 0.139895557;
  p = p * t + 0.139619625;
  let below = e * t * p;
  return select(below, 1.0 - below, x >= Element());
}

fn normal_slope(x: Element) -> Element {
  let e = bell(x);
  // Where e is as good as 0, x may be so large that the product would not be.
  return normal(x, e) + clamp(x, Element(-30.0), Element(30.0)) * e * OVER_SQRT_2PI;
}
