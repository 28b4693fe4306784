"""Where the catalogue's claims about other people's databases and drivers can be read."""

from __future__ import annotations

from typing import Final

SOURCES: Final = {
    "BatchGetItem": (
        "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html"
    ),
    "S3": (
        "https://docs.aws.amazon.com/sdk-for-kotlin/api/latest/s3"
        "/aws.sdk.kotlin.services.s3.model/-list-objects-v2-response"
    ),
    "MongoDB": (
        "https://www.mongodb.com/docs/php-library/v1.4/reference/method/MongoDBCollection-bulkWrite/"
    ),
    "MySQL's collation": "https://dev.mysql.com/doc/refman/8.0/en/case-sensitivity.html",
    "MySQL's CHAR": "https://dev.mysql.com/doc/refman/8.4/en/char.html",
    "MySQL's BINARY": "https://dev.mysql.com/doc/refman/5.0/en/binary-varbinary.html",
    "Oracle": (
        "https://trivadis.github.io/plsql-and-sql-coding-guidelines/v4.3/4-language-usage"
        "/2-variables-and-types/3-character-data-types/g-2330"
    ),
    "memcached": "https://leonid.shevtsov.me/post/memcached-expiration-time-a-horrible-api-fail/",
    "HFS+": (
        "https://eclecticlight.co/2017/04/06/untangling-file-names-and-normalisation-with-apfelstrudel/"
    ),
    "IFEQ": "https://github.com/redis/redis-py/pull/3837",
    "redis-py 2028": "https://github.com/redis/redis-py/issues/2028",
    "redis-py 2624": "https://github.com/redis/redis-py/issues/2624",
    "redis-py 2665": "https://github.com/redis/redis-py/issues/2665",
    "redis-py 4123": "https://github.com/redis/redis-py/pull/4123",
    "redis-rb 953": "https://github.com/redis/redis-rb/issues/953",
}
"""By what the catalogue calls them, in square brackets."""
