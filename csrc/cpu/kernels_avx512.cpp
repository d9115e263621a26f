#define FASTMI_LEVEL avx512
#include "cpu/kernels_body.h"
