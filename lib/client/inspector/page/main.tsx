import { render } from "preact";
import { App } from "./app.tsx";
import { bindKeys } from "./key_bindings.ts";
import { PageModel } from "./page_model.ts";

const model = new PageModel();
bindKeys(model);
model.start();
render(<App model={model} />, document.body);
