import type { Page } from "playwright-core";

/** Waits until an expression is true in the page. */
export async function until(page: Page, expression: string): Promise<void> {
  // Not by waitForFunction, which the page's policy forbids to evaluate text.
  await page.evaluate(`new Promise((resolve, reject) => {
    const began = performance.now();
    const check = () => {
      if (${expression}) resolve();
      else if (performance.now() - began > 60_000) reject(new Error("waited for " + ${JSON.stringify(expression)}));
      else requestAnimationFrame(check);
    };
    check();
  })`);
}
