/* Peers in C, as functions of the server: what any function costs, and Debian's libargon2. */
#include "postgres.h"

#include <dlfcn.h>

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(noop);
PG_FUNCTION_INFO_V1(notext);
PG_FUNCTION_INFO_V1(libargon2);

/* Returns NULL. */
Datum
noop(PG_FUNCTION_ARGS)
{
	PG_RETURN_NULL();
}

/* Returns the same text each time. */
Datum
notext(PG_FUNCTION_ARGS)
{
	static text *constant;

	if (constant == NULL)
	{
		MemoryContext before = MemoryContextSwitchTo(TopMemoryContext);

		constant = cstring_to_text("YxhjCQjUL6jxRkYFtB6dWwsW5DHVhKmn");
		MemoryContextSwitchTo(before);
	}
	PG_RETURN_TEXT_P(constant);
}

/*
 * argon2id with the extension's parameters. Found at run time, so that the others do without it; the
 * declaration is argon2.h's.
 */
Datum
libargon2(PG_FUNCTION_ARGS)
{
	static int (*hash) (uint32_t t, uint32_t m, uint32_t p, const void *password, size_t length, const void *salt,
						size_t salt_length, size_t hash_length, char *encoded, size_t encoded_length);
	text	   *password = PG_GETARG_TEXT_PP(0);
	char		encoded[256];

	if (hash == NULL)
	{
		void	   *library = dlopen("libargon2.so.1", RTLD_NOW);

		if (library == NULL)
			ereport(ERROR, (errmsg("Debian's libargon2-1 is not installed")));
		hash = dlsym(library, "argon2id_hash_encoded");
	}
	if (hash == NULL || hash(2, 19456, 1, VARDATA_ANY(password), VARSIZE_ANY_EXHDR(password), "sixteen bytes...", 16,
							 32, encoded, sizeof(encoded)) != 0)
		ereport(ERROR, (errmsg("libargon2 failed")));
	PG_RETURN_TEXT_P(cstring_to_text(encoded));
}
