// Pictures that may be opened by themselves: no name that they show may become an element or run.
import { assert, assertEquals } from "@std/assert";
import { drawStackedBars } from "../../tasks/account/stacked_bars.ts";
import { profilePage } from "../../tasks/profile_step/profile_page.ts";
import { drawTimeBars } from "../../tasks/profile_step/time_bars.ts";
import { browserTest } from "../harness/browser.ts";

const NAME = `a"'&<image href="x" onerror="attacked=1"/><script>attacked=1</script>]]><!--{{1+1}}`;

browserTest(
  "names in a picture, or a profile's page, are shown as they are: none runs or becomes an element",
  async (open) => {
    const row = {
      kernel: NAME,
      constants: { [NAME]: 1 },
      calls: 1,
      seconds: 1,
      timeShare: 1,
      rooflineSeconds: 0.5,
      rooflineShare: 0.5,
      bound: "compute" as const,
      flops: 1,
      bytes: 1,
    };
    const parts = [{ name: NAME, value: 1 }, { name: `${NAME}2`, value: 2 }];
    const profile = { rows: [row], seconds: 1, flops: 1, rooflineSeconds: 0.5 };
    const files = [
      ["bars.svg", drawTimeBars(profile, NAME)],
      ["stacked.svg", await drawStackedBars({ title: NAME, unit: "FLOP", bars: [{ label: NAME, parts }] })],
      ["page.html", profilePage(profile, { title: NAME, lines: [NAME] })],
    ];
    const directory = await Deno.makeTempDir();
    try {
      for (const [name, text] of files) {
        await Deno.writeTextFile(`${directory}/${name}`, text);
        const { page, problems } = await open(`file://${directory}/${name}`);
        assertEquals(await page.evaluate(`document.querySelectorAll("image, script, parsererror").length`), 0);
        assertEquals(await page.evaluate("typeof attacked"), "undefined");
        const shown: string = await page.evaluate("document.documentElement.textContent");
        assert(shown.split(NAME).length >= 3, shown);
        assertEquals(problems, []);
      }
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
);
