#include "souk.h"

#define TEXT(x)  #x
#define VALUE(x) TEXT(x)

const char *souk_version(void)
{
    return VALUE(SOUK_VERSION_MAJOR) "." VALUE(SOUK_VERSION_MINOR) "." VALUE(SOUK_VERSION_PATCH);
}
