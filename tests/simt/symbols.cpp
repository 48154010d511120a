/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the program's own symbol table: which thread-local variables are shared memory, and which
 * function an address belongs to.
 */
#include "internal.h"

#include <cstdio>
#include <cstdlib>
#include <cxxabi.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

extern "C" char __executable_start[];

namespace simt
{

struct Function {
    uintptr_t begin, end;
    std::string name;
};
static std::vector<Variable> &variables = *new std::vector<Variable>;
static std::vector<Function> &functions = *new std::vector<Function>;
static char *segment, *segment_end;

static std::string demangled(const char *name)
{
    int status;
    char *text = abi::__cxa_demangle(name, nullptr, nullptr, &status);
    const std::string result = status == 0 ? text : name;
    free(text);
    return result;
}

/* The first object that is visited is the program itself. */
static int find_segment(dl_phdr_info *info, size_t, void *)
{
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_TLS && info->dlpi_tls_data) {
            segment = (char *)info->dlpi_tls_data;
            segment_end = segment + info->dlpi_phdr[i].p_memsz;
        }
    return 1;
}

/* Shared variables are static locals, whose mangled names begin with _ZZ. The program's other
 * thread-local variables are left alone. */
static void read_symbol(const Elf64_Sym &symbol, const char *name)
{
    if (symbol.st_size == 0) return;
    if (ELF64_ST_TYPE(symbol.st_info) == STT_TLS && !strncmp(name, "_ZZ", 3))
        variables.push_back({segment + symbol.st_value, symbol.st_size, demangled(name)});
    if (ELF64_ST_TYPE(symbol.st_info) == STT_FUNC)
        functions.push_back({symbol.st_value, symbol.st_value + symbol.st_size, name});
}

static void read_symbols()
{
    static bool done;
    if (done) return;
    done = true;
    dl_iterate_phdr(find_segment, nullptr);
    const int file = open("/proc/self/exe", O_RDONLY);
    struct stat info;
    if (file < 0 || fstat(file, &info)) fail("no symbols", "cannot read /proc/self/exe");
    const char *image =
        (const char *)mmap(nullptr, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    close(file);
    if (image == MAP_FAILED) fail("no symbols", "cannot map /proc/self/exe");
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)image;
    const Elf64_Shdr *section = (const Elf64_Shdr *)(image + header->e_shoff);
    for (int i = 0; i < header->e_shnum; i++) {
        if (section[i].sh_type != SHT_SYMTAB) continue;
        const Elf64_Sym *symbol = (const Elf64_Sym *)(image + section[i].sh_offset);
        const char *names = image + section[section[i].sh_link].sh_offset;
        for (size_t k = 0; k < section[i].sh_size / sizeof *symbol; k++)
            read_symbol(symbol[k], names + symbol[k].st_name);
    }
    if (functions.empty()) fail("no symbols", "the program is stripped");
}

const std::vector<Variable> &shared_variables()
{
    read_symbols();
    return variables;
}

const Variable *shared_variable(const void *memory)
{
    const char *p = (const char *)memory;
    if (!in_shared_segment(p)) return nullptr;
    for (const Variable &v : variables)
        if (p >= v.begin && p < v.begin + v.bytes) return &v;
    return nullptr;
}

bool in_shared_segment(const void *memory)
{
    read_symbols();
    return (const char *)memory >= segment && (const char *)memory < segment_end;
}

void fill_shared()
{
    for (const Variable &v : shared_variables()) memset(v.begin, 0xff, v.bytes);
}

std::string function_name(const void *code)
{
    read_symbols();
    uintptr_t at = (uintptr_t)code - (uintptr_t)__executable_start;
    for (int pass = 0; pass < 2; pass++, at = (uintptr_t)code) /* position-independent or not */
        for (const Function &f : functions)
            if (at >= f.begin && at < f.end) return demangled(f.name.c_str());
    return "?";
}

std::string place_of(const void *code)
{
    char command[200], text[600];
    snprintf(command, sizeof command, "addr2line -Cspif -e /proc/%d/exe %#lx", (int)getpid(),
             (unsigned long)((const char *)code - 1 - __executable_start));
    std::string place;
    if (FILE *pipe = popen(command, "r")) {
        while (fgets(text, sizeof text, pipe)) place += text;
        pclose(pipe);
    }
    while (!place.empty() && place.back() == '\n') place.pop_back();
    for (size_t i; (i = place.find('\n')) != std::string::npos;) place.replace(i, 1, " <-");
    return place.empty() ? function_name(code) : place;
}

} // namespace simt
