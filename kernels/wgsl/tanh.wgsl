// For kernels of Elements: element_1.wgsl, element_4.wgsl. WGSL's own tanh may be far off near 0, and overflow.

// Below this, 1 - exp(-2 u) would cancel.
const TANH_NEAR = 0.625;

fn accurate_tanh(u: Element) -> Element {
  let e = exp(-2.0 * abs(u));
  let far = sign(u) * ((1.0 - e) / (1.0 + e));
  // The polynomial's largest relative error is 4.4e-9.
  let z = u * u;
  var p = -0.005704987445580516 * z + 0.020639087651597044;
  p = p * z - 0.05373971521055185;
  p = p * z + 0.13331442199666343;
  p = p * z - 0.3333328194206528;
  return select(far, u + u * (z * p), abs(u) < Element(TANH_NEAR));
}

// The derivative of tanh, 1 - tanh(u)^2, which does not cancel in this form.
fn tanh_slope(u: Element) -> Element {
  let e = exp(-2.0 * abs(u));
  return 4.0 * e / ((1.0 + e) * (1.0 + e));
}
