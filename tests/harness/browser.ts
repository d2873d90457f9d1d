import { type Browser, chromium, type Page } from "playwright-core";

/** With this set to 1, a missing browser is a failure: where one is known to be, no browser test may go missing. */
const REQUIRE_BROWSER = "BYTELM_REQUIRE_BROWSER";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

const executable = await findExecutable();

const missingBrowser = Deno.env.get(REQUIRE_BROWSER) !== "1" && executable === undefined
  ? `no ${NAMES.join(", ")} on the PATH`
  : undefined;

/** A page, and what it did that it must not. */
export interface WatchedPage {
  readonly page: Page;
  /** What the page wrote to the console as an error or a warning, and exceptions. */
  readonly problems: readonly string[];
  /** Every address that the page asked for. */
  readonly requests: readonly string[];
}

/** Registers a test that needs a browser; without one it counts as ignored, and its name says why. */
export function browserTest(name: string, fn: (open: (url: string) => Promise<WatchedPage>) => Promise<void>): void {
  Deno.test({
    name: missingBrowser ? `${name} [${missingBrowser}]` : name,
    ignore: missingBrowser !== undefined,
    // The browser's pipes are closed a moment after it is.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      if (executable === undefined) throw new Error(`${REQUIRE_BROWSER} is set, but there is no ${NAMES.join(", ")}`);
      // Chromium's sandbox does not work for root; the pages are our own.
      const browser = await chromium.launch({ executablePath: executable, args: ["--no-sandbox"] });
      try {
        await fn((url) => openPage(browser, url));
      } finally {
        await browser.close();
      }
    },
  });
}

async function openPage(browser: Browser, url: string): Promise<WatchedPage> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const problems: string[] = [];
  const requests: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("request", (request) => requests.push(request.url()));
  await page.goto(url);
  return { page, problems, requests };
}

async function findExecutable(): Promise<string | undefined> {
  const directories = (Deno.env.get("PATH") ?? "").split(":");
  for (const path of NAMES.flatMap((name) => directories.map((directory) => `${directory}/${name}`))) {
    const info = await Deno.stat(path).catch(() => undefined);
    if (info?.isFile) return path;
  }
  return undefined;
}
