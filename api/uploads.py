"""Pictures as request bodies: the file itself, or a form that holds it."""

from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile

from contract.errors import BadRequest, TooLarge, UnsupportedMedia
from contract.phrases import Phrase

_FILE = {"type": "string", "format": "binary"}
# What a route that takes a picture says of its body.
PICTURE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            **{f"image/{kind}": {"schema": _FILE} for kind in ("png", "jpeg", "webp")},
            "multipart/form-data": {"schema": {"type": "object", "properties": {"file": _FILE}, "required": ["file"]}},
        },
    }
}


async def sent_picture(request: Request, most: int) -> bytes:
    """The bytes of the picture that a request sends, `most` of them at most. Raises what a client can mend."""
    data = await _file_of(request)
    if len(data) > most:
        raise TooLarge(Phrase("The file has {size} bytes; at most {most} are allowed.", size=len(data), most=most))
    return data


async def _file_of(request: Request) -> bytes:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type.startswith("image/"):
        return await request.body()
    if media_type != "multipart/form-data":
        raise UnsupportedMedia(
            "Send the file itself with its Content-Type (image/png, image/jpeg or image/webp), "
            "or a multipart form with the field `file`."
        )
    async with request.form(max_files=1, max_fields=1) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise BadRequest("The form needs a file in the field `file`.", "file")
        return await file.read()
