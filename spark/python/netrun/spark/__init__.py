"""netrun's nets as stages of PySpark's pipelines.

The jar has this package: spark-submit --jars netrun-spark.jar --py-files netrun-spark.jar app.py
"""

from pyspark import keyword_only
from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.ml.util import JavaMLReadable, JavaMLWritable
from pyspark.ml.wrapper import JavaTransformer


def _pairs(value):
    """A dict as the list of NAME=NAME that the JVM has."""
    if isinstance(value, dict):
        return [f"{name}={other}" for name, other in value.items()]
    return TypeConverters.toListString(value)


class NetTransformer(JavaTransformer, JavaMLReadable, JavaMLWritable):
    """Runs a net over rows: Caffe's (a prototxt and its weights) or an ONNX file's.

    inputCols are columns by input blob, {"data": "pixels"}; without it columns go to blobs by name, else in order.
    outputCols are blobs by the column to add, {"features": "ip1"}; each is an array of floats.
    """

    model = Param(Params._dummy(), "model", "path of the net's prototxt, or of an ONNX file", TypeConverters.toString)
    weights = Param(Params._dummy(), "weights", "paths of its weights", TypeConverters.toListString)
    files = Param(Params._dummy(), "files", "paths of other files that the prototxt names", TypeConverters.toListString)
    inputCols = Param(Params._dummy(), "inputCols", "columns by input blob", _pairs)
    outputCols = Param(Params._dummy(), "outputCols", "blobs by the column to add", _pairs)
    batchSize = Param(Params._dummy(), "batchSize", "rows of a batch; the net's own without it", TypeConverters.toInt)
    scale = Param(Params._dummy(), "scale", "factor on pixels, in place of the net's", TypeConverters.toFloat)
    cropSize = Param(Params._dummy(), "cropSize", "side of the centre crop", TypeConverters.toInt)
    meanValues = Param(Params._dummy(), "meanValues", "subtracted from pixels", TypeConverters.toListFloat)
    meanFile = Param(Params._dummy(), "meanFile", "path of a mean image", TypeConverters.toString)

    @keyword_only
    def __init__(
        self,
        *,
        model=None,
        weights=None,
        files=None,
        inputCols=None,
        outputCols=None,
        batchSize=None,
        scale=None,
        cropSize=None,
        meanValues=None,
        meanFile=None,
    ):
        super().__init__()
        self._java_obj = self._new_java_obj("netrun.spark.NetTransformer", self.uid)
        self.setParams(**self._input_kwargs)

    @keyword_only
    def setParams(self, **kwargs):
        """Sets parameters by name; those that are None are left as they are."""
        given = {name: value for name, value in self._input_kwargs.items() if value is not None}
        if isinstance(given.get("weights"), str):
            given["weights"] = [given["weights"]]
        return self._set(**given)
