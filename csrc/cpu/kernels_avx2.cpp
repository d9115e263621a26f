#define FASTMI_LEVEL avx2
#include "cpu/kernels_body.h"
