"""The pages: studio, queue, library and settings, with forms made from the contract, and the static files beside."""

import re
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from contract.catalogue import SAMPLERS, SCHEDULES, Sampler, Schedule
from contract.chunks import CHUNK
from contract.grid import FIELDS as GRID_FIELDS
from contract.requests import Extend, Hires, Img2Img, Inpaint, Variation
from contract.settings import Settings
from contract.upscale import Upscale
from web.languages import VARY, Language, asked_in, languages, sentences_in

THEMES = ("system", "dark", "light")
THEME_COOKIE = "darkroom-theme"

_HERE = Path(__file__).resolve().parent

# blob: and data: are previews and pasted pictures; everything else is a file of ours, and no script stands in the page.
# Trusted types: the modules write text and never HTML, and where one did, the browser would refuse.
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)

# Each page's styles, in the order in which they apply.
_EVERYWHERE = ("base", "frame", "controls", "dialogs")
STYLES = {
    "studio": (*_EVERYWHERE, "panel", "prompt", "table", "contact", "slider", "canvas", "guide", "sign-in", "help"),
    "queue": (*_EVERYWHERE, "toast", "queue", "sign-in", "help"),
    "library": (*_EVERYWHERE, "library", "grid", "toast", "sheet", "slider", "compare", "sign-in", "help"),
    "settings": (*_EVERYWHERE, "settings", "sign-in", "help"),
    "sign-in": (*_EVERYWHERE, "sign-in"),
}

EXAMPLES = (
    "a black cat on a beach at sunset",
    "a red boat on the sea at night",
    "a watercolor of a yellow house in a meadow",
    "pixel art of a green bird in the snow",
)

_HTML_NAMES = {"minimum": "min", "exclusiveMinimum": "min", "maximum": "max", "maxLength": "maxlength"}


def _attributes(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The limits of one field's JSON schema as HTML attributes.

    >>> _attributes({"type": "integer", "minimum": 1, "maximum": 100})
    {'min': 1, 'max': 100, 'step': 1}
    """
    variants = [v for v in schema.get("anyOf", [schema]) if v.get("type") != "null"]
    limits = variants[0]
    found = {html: limits[name] for name, html in _HTML_NAMES.items() if name in limits}
    if limits.get("type") == "integer":
        found["step"] = limits.get("multipleOf", 1)
    elif limits.get("type") == "number":
        found["step"] = "any"
    return found


def _fields() -> dict[str, dict[str, Any]]:
    """Every field of the form → its default, HTML attributes and choices, as the contract has them.

    `strength` is in two kinds of job, with a default each; `extend.left` is the left side of `extend`. `variation` is
    null while its seed is empty, and so is `hires` without a factor.
    """
    inpaint: dict[str, Any] = Inpaint.model_json_schema()["properties"]
    img2img: dict[str, Any] = Img2Img.model_json_schema()["properties"]
    inside = {
        f"{outer}.{name}": schema
        for outer, model in (("variation", Variation), ("hires", Hires), ("extend", Extend), ("upscale", Upscale))
        for name, schema in model.model_json_schema()["properties"].items()
    }
    inside["hires.factor"] = {**inside["hires.factor"], "default": None}
    fields = {
        name: {"default": schema.get("default"), "attrs": _attributes(schema), "choices": schema.get("enum", [])}
        for name, schema in {**inpaint, **img2img, **inside}.items()
    }
    fields["strength"]["defaults"] = {
        "img2img": img2img["strength"]["default"],
        "inpaint": inpaint["strength"]["default"],
    }
    return fields


def _takes(entry: Sampler | Schedule) -> str:
    """The names of the fields that only some samplers and schedules take, with spaces between."""
    return " ".join(option.name for option in entry.options)


class Look(NamedTuple):
    """How somebody has the pages. theme: one of THEMES."""

    language: Language
    theme: str


def look_of(request: Request) -> Look:
    """What this browser was told, else what it asks for."""
    theme = request.cookies.get(THEME_COOKIE, "")
    return Look(asked_in(request), theme if theme in THEMES else "system")


@cache
def _templates(language: Language) -> Environment:
    """The templates with `_`, which macros know too."""
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["_"] = language.say
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False}
    return environment


def sign_in_page(told: str, look: Look) -> str:
    """The page that takes a key. told: what was wrong with the one before, in English, or ""."""
    template = _templates(look.language).get_template("sign_in.html")
    return template.render(look._asdict(), sheet=_sheet("sign-in").path, told=told, alone=True)


_IMPORT = re.compile(r'^(?:import|export|\}) ?.*? ?from "(\..+?)";|^import "(\..+?)";', re.MULTILINE)


def _modules(main: str) -> list[str]:
    """The modules that a page's first one needs, directly or not, itself among them: fetched all at once.

    >>> _modules("intake.js")
    ['api.js', 'dom.js', 'format.js', 'i18n.js', 'intake.js', 'reports.js']
    """
    folder = _HERE / "static" / "js"
    found, ahead = set[Path](), [folder / main]
    while ahead:
        path = ahead.pop()
        if path not in found:
            found.add(path)
            ahead += [(path.parent / (one or other)).resolve() for one, other in _IMPORT.findall(path.read_text())]
    return sorted(path.relative_to(folder).as_posix() for path in found)


@cache
def _sentences(module: str) -> set[str]:
    """What a module says, in English."""
    return sentences_in((_HERE / "static" / "js" / module).read_text("utf-8"))


class _Sheet(NamedTuple):
    """A page's styles in one file: the browser paints nothing before it has them all. path: below /static."""

    path: str
    css: str


@cache
def _sheet(page: str) -> _Sheet:
    """page: of STYLES. Its path changes with what it says, so that it need not be asked about again."""
    css = "\n".join((_HERE / "static" / "css" / f"{name}.css").read_text("utf-8") for name in STYLES[page])
    return _Sheet(f"sheets/{page}.{sha256(css.encode()).hexdigest()[:12]}.css", css)


def _render(look: Look, template: str, here: str, main: str, sheet: str, **more: Any) -> str:
    """A page within the layout. here: its address; main: its first module; sheet: of STYLES."""
    modules = _modules(main)
    frame = {
        "here": here,
        "main": main,
        "modules": modules,
        "sheet": _sheet(sheet).path,
        "messages": look.language.messages(set().union(*map(_sentences, modules))),
        "told": "",
        "alone": False,
    }
    return _templates(look.language).get_template(template).render(look._asdict(), **frame, **more)


def _studio(settings: Settings, look: Look) -> str:
    say = look.language.say
    return _render(
        look,
        "page.html",
        "/",
        "main.js",
        "studio",
        fields=_fields(),
        samplers=[(s.name.value, s.label, say(s.description), _takes(s), say(s.group)) for s in SAMPLERS],
        schedules=[(s.name.value, s.label, say(s.description), _takes(s)) for s in SCHEDULES],
        axes=GRID_FIELDS,
        chunk=CHUNK,
        examples=EXAMPLES,
        default_model=settings.model.name,
        max_upload=settings.max_upload,
        max_pixels=settings.max_pixels,
    )


def _queue(look: Look) -> str:
    return _render(look, "queue.html", "/queue", "queue/main.js", "queue")


def _library(settings: Settings, look: Look) -> str:
    """The library and a picture's own page are one document: a picture opens over the grid and leaves it as it is."""
    return _render(
        look,
        "library.html",
        "/library",
        "library/main.js",
        "library",
        samplers=[(s.name.value, s.label) for s in SAMPLERS],
        schedules=[(s.name.value, s.label) for s in SCHEDULES],
        max_upload=settings.max_upload,
    )


def _settings(look: Look) -> str:
    more = languages().values()
    return _render(look, "settings.html", "/settings", "settings/main.js", "settings", languages=more)


def make_router(settings: Settings) -> APIRouter:
    """A router with the pages. They depend on nothing but settings and look, so each is rendered once for every look.

    Raises ValueError for a language that cannot be read.
    """
    router = APIRouter(include_in_schema=False)
    languages()

    @cache
    def studio(look: Look) -> str:
        return _studio(settings, look)

    @cache
    def queue(look: Look) -> str:
        return _queue(look)

    @cache
    def library(look: Look) -> str:
        return _library(settings, look)

    @cache
    def settings_and_help(look: Look) -> str:
        return _settings(look)

    @router.get("/", response_class=HTMLResponse)
    def page(request: Request) -> HTMLResponse:
        return _page(studio(look_of(request)))

    @router.get("/queue", response_class=HTMLResponse)
    def queue_page(request: Request) -> HTMLResponse:
        return _page(queue(look_of(request)))

    @router.get("/library", response_class=HTMLResponse)
    @router.get("/library/{image_id}", response_class=HTMLResponse)
    def library_page(request: Request) -> HTMLResponse:
        return _page(library(look_of(request)))

    @router.get("/settings", response_class=HTMLResponse)
    def settings_page(request: Request) -> HTMLResponse:
        return _page(settings_and_help(look_of(request)))

    return router


def _page(html: str) -> HTMLResponse:
    return HTMLResponse(html, headers={"Content-Security-Policy": CSP, "Cache-Control": "no-cache", "Vary": VARY})


class _Static(StaticFiles):
    """Static files that are asked about at every visit (ETag), so that an upgrade never mixes old and new modules.

    Beside them the pages' sheets. A page of yesterday that asks for its own gets today's, once.
    """

    async def get_response(self, path: str, scope: Scope) -> Response:
        page = path.removeprefix("sheets/").partition(".")[0]
        if path.startswith("sheets/") and page in STYLES:
            sheet = _sheet(page)
            keep = "public, max-age=31536000, immutable" if path == sheet.path else "no-cache"
            return Response(sheet.css, media_type="text/css", headers={"Cache-Control": keep})
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def mount_static(app: FastAPI) -> None:
    """Serve the files under `web/static` at `/static`, a third as large to whoever takes gzip."""
    app.mount("/static", GZipMiddleware(_Static(directory=_HERE / "static"), minimum_size=1000), name="static")
