"""Answer over HTTP with one model that all clients share: uvicorn service:app --no-access-log."""

import fastapi
import pydantic
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

import deeprnn_edge
from deeprnn_edge.errors import InputError

app = fastapi.FastAPI()
model = deeprnn_edge.load("bundle")  # once, shared by all clients


class Question(pydantic.BaseModel):
    text: str = pydantic.Field(max_length=10_000)  # while one is answered, the others wait


@app.post("/predict")
async def predict(question: Question) -> dict[str, str | float]:
    # Called right here: the answer takes less time than the way to a thread and back.
    return dict(zip(("label", "probability"), model.classify(question.text)[0][0], strict=True))


@app.exception_handler(InputError)
@app.exception_handler(RequestValidationError)
async def refuse(request: fastapi.Request, error: Exception) -> JSONResponse:
    # FastAPI's own answer repeats what came, and fails where that is half a surrogate pair or an infinity.
    detail = str(error) if isinstance(error, InputError) else 'expected {"text": "..."}, of at most 10,000 characters'
    return JSONResponse({"detail": detail}, status_code=422)
