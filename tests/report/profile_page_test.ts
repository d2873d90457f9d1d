// The page of a profile looks like a report: the same style, dark where the reader's system is, and it fits a phone.
import { assert, assertEquals } from "@std/assert";
import { reportHtml } from "../../lib/report/report.ts";
import { profilePage } from "../../tasks/profile_step/profile_page.ts";
import { drawTimeBars } from "../../tasks/profile_step/time_bars.ts";
import { PLOT_LIBRARY } from "../../tasks/report/plot_library.ts";
import { browserTest } from "../harness/browser.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const LONG = { rows: 2048, headDim: 64, positions: 4096, starts: 17, accumulate: 1 };

const profile = {
  ...{ seconds: 1, flops: 1e9, rooflineSeconds: 0.5 },
  rows: Array.from({ length: 12 }, (_, i) => ({
    ...{
      kernel: "attention_backward_of_a_long_name",
      constants: { ...LONG, i: i + 1 },
      calls: 4,
      flops: 1e8,
      bytes: 1e6,
    },
    ...{ seconds: 1 / 12, timeShare: 1 / 12, rooflineSeconds: 0.01 * i, rooflineShare: 0.12 * i },
    bound: i % 2 ? "compute" as const : "memory" as const,
  })),
};

const SUM = `(selector, property) => {
  const [r, g, b] = getComputedStyle(document.querySelector(selector))[property].match(/\\d+/g).map(Number);
  return r + g + b;
}`;

browserTest("a profile's page and picture have a report's colours, by day and by night", async (open) => {
  await inTemporaryDirectory(async (dir) => {
    const lines = ["A processor of a name that takes some room, 2 cores; Deno; wasm: 2 workers"];
    await Deno.writeTextFile(`${dir}/profile.html`, profilePage(profile, { title: "A step", lines }));
    await Deno.writeTextFile(`${dir}/profile.svg`, drawTimeBars(profile, "A step"));
    await Deno.writeTextFile(`${dir}/report.html`, reportHtml([], PLOT_LIBRARY));
    const colours: Record<string, number[]> = {};
    for (const name of ["profile.html", "profile.svg", "report.html"]) {
      const { page, problems } = await open(`file://${dir}/${name}`);
      const [back, text] = name.endsWith(".svg")
        ? [`(${SUM})(".back", "fill")`, `(${SUM})("text", "fill")`]
        : [`(${SUM})("body", "backgroundColor")`, `(${SUM})("body", "color")`];
      colours[name] = [];
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        colours[name].push(await page.evaluate(back), await page.evaluate(text));
      }
      await page.setViewportSize({ width: 390, height: 800 });
      if (name === "profile.svg") {
        assertEquals(await page.evaluate("document.documentElement.getBoundingClientRect().width"), 390);
      }
      if (name === "profile.html") {
        // Nothing but the table scrolls sideways, and bars end where their room does.
        assertEquals(await page.evaluate("document.documentElement.scrollWidth"), 390);
        const ends: number[] = await page.evaluate(
          `[...document.querySelectorAll(".bar rect")].map((rect) => rect.getBoundingClientRect().right)`,
        );
        assert(ends.length === 24 && ends.every((end) => end <= 390), String(ends));
        assert(Math.max(...ends) > 340, String(ends));
      }
      assertEquals(problems, [], name);
    }
    assertEquals(colours["profile.html"], colours["report.html"]);
    assertEquals(colours["profile.svg"], colours["report.html"]);
    const [dayBack, dayText, nightBack, nightText] = colours["report.html"];
    assert(dayBack > dayText && nightBack < nightText);
  });
});
