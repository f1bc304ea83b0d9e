/* descriptors.h: what a FileDescriptorSet says of files and names: as much of it as reflection needs. Pure.
 *
 * The bytes are those that protoc makes with --descriptor_set_out --include_imports (google/protobuf/
 * descriptor.proto: numbers of its fields). Broken ones are read as far as they can be. What is found is
 * borrowed from them. */
#ifndef SK_API_DESCRIPTORS_H
#define SK_API_DESCRIPTORS_H

#include "api/packed.h"

/* More files than the set has. */
#define SK_DESCRIPTOR_FILES_MAX 64

/* Sets and files are packed FileDescriptorSets and FileDescriptorProtos. */

/* All of this daemon's services. */
struct sk_packed sk_descriptors(void);

/* File "sandkeep/node.proto". */
bool sk_descriptor_find_file(struct sk_packed set, const char *name, struct sk_packed *out_file);
/* The file that has a message, enum, service, method, field or constant of that full name. */
bool sk_descriptor_find_symbol(struct sk_packed set, const char *symbol, struct sk_packed *out_file);
/* The file and all it imports, each once; itself first. Returns how many. */
size_t sk_descriptor_closure(struct sk_packed set, struct sk_packed file,
                             struct sk_packed out[SK_DESCRIPTOR_FILES_MAX]);

#endif
