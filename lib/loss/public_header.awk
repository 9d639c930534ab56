# The header that `make install` installs: loss.h with the types of error.h and spec.h in place of its includes, without
# their functions and without what is for the double build, and for C++ too.
#
#     awk -f public_header.awk RS= lib/base/error.h lib/base/spec.h RS='\n' lib/loss/loss.h

# --- error.h and spec.h, paragraph by paragraph: all types, no functions
FILENAME !~ /loss\.h$/ {
    if (/#define BASE_/) inside[FILENAME] = 1
    else if (inside[FILENAME] && !/#include|#endif/ && !/\n(int|void) (lb|spec)_/) types = types $0 "\n\n"
    next
}

# --- loss.h, line by line
/^#ifdef LOSS_DOUBLE/   { skipped = 1; next }
skipped && /^#else/     { skipped = 0; kept = 1; next }
kept && /^#endif/       { kept = 0; next }
skipped || /#include "/ { next }
/^$/ && blank           { next }
/^#include <stddef.h>/  { $0 = $0 "\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n" types; sub(/\n+$/, "") }
{
    blank = /^$/
    gsub(/restrict /, "") # the qualifier of a parameter is no part of a function's type, and C++ does not know it
    line[++lines] = $0
}
END {
    for (i = 1; i < lines; i++) print line[i]
    printf "#ifdef __cplusplus\n}\n#endif\n\n%s\n", line[lines]
}
