/** The models to choose from, and what each is used to. */

import { getModels } from "./api.js";
import { byId, el } from "./dom.js";
import { suggest } from "./form.js";
import { setNative, setOwn } from "./size.js";

let known = ""; // names of the models shown

/** Ask which there are, and show them where they are others than before. @param {import("./types.js").Picture | null} picture on the light table */
export async function showModels(picture) {
  /** @type {{name: string, label: string, native_width: number, native_height: number, guidance: number, hires: {upscaler: string, strength: number}}[]} */ const models = await getModels();
  const names = models.map((model) => model.name).join("\n");
  if (!models.length || names === known) return;
  known = names;
  const select = byId("model");
  const wanted = names.split("\n").includes(select.dataset.wanted) ? select.dataset.wanted : byId("form").dataset.defaultModel;
  select.replaceChildren(...models.map(({ name, label }) => el("option", { value: name, text: label, selected: name === wanted })));
  byId("model-field").hidden = models.length < 2;
  const chosen = () => models.find((model) => model.name === select.value) ?? models[0];
  const tell = () => {
    setNative({ width: chosen().native_width, height: chosen().native_height });
    setOwn(picture);
    const { guidance, hires } = chosen();
    suggest({ guidance, hires: { upscaler: hires.upscaler, strength: hires.strength } });
  };
  select.onchange = tell;
  tell();
}
