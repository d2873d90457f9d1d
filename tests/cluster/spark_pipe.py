"""Counts the words of a JSON Lines file with Spark: each partition is piped through `count --stdin`.

usage: spark_pipe.py INPUT.jsonl OUT_DIR PARTITIONS COMMAND...
"""
import base64
import os
import shlex
import sys

from pyspark import SparkConf, SparkContext

source, out, partitions, *command = sys.argv[1:]
# Three workers of one core each, in processes of their own.
conf = SparkConf().setMaster("local-cluster[3,1,512]").setAppName("count")
conf.set("spark.executor.memory", "512m").set("spark.ui.enabled", "false")
with SparkContext(conf=conf) as sc:
    sc.setLogLevel("ERROR")
    lines = sc.textFile(source, int(partitions)).repartition(int(partitions))
    # checkCode: a count that fails must fail the job.
    piped = lines.pipe(shlex.join(command), env=dict(os.environ), checkCode=True)
    counts = piped.collect()
    executors = sc._jsc.sc().statusTracker().getExecutorInfos()
    print(f"{len(counts)} partitions counted by {len(executors) - 1} workers")
for number, line in enumerate(counts):
    with open(f"{out}/part-{number:05}.counts", "wb") as file:
        file.write(base64.b64decode(line, validate=True))
