"""Answer over HTTP with one model that all clients share: uvicorn service:app --no-access-log."""

import fastapi
import pydantic
from starlette.requests import ClientDisconnect

import deeprnn_edge
from deeprnn_edge.errors import InputError

app = fastapi.FastAPI()
model = deeprnn_edge.load("bundle")  # once, shared by all clients


class Asked(pydantic.BaseModel):
    text: str = pydantic.Field(max_length=10_000)  # while one is answered, the others wait


@app.post("/predict")
async def predict(request: fastapi.Request) -> dict[str, str | float]:
    body = b""  # read here, as FastAPI would read one of any size
    try:
        async for part in request.stream():
            if len(body := body + part) > 130_000:  # the longest text, each character an escape of 12 bytes
                raise fastapi.HTTPException(413, "expected at most 130,000 bytes")
        # Called right here: an answer takes less time than the way to a thread and back.
        named = model.classify(Asked.model_validate_json(body).text)[0][0]
        return dict(zip(("label", "probability"), named, strict=True))
    except (InputError, pydantic.ValidationError, ClientDisconnect) as error:
        expected = 'expected {"text": "..."}, of at most 10,000 characters'
        raise fastapi.HTTPException(422, str(error) if isinstance(error, InputError) else expected) from error
